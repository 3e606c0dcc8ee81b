import { keep, kept } from './i18n.js';
import { Store } from './store.js';

/** `auto`: as the system has it. */
export type Theme = 'auto' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

const KEPT_AS = 'firn-theme';
const found = kept(KEPT_AS);

export const theme = new Store<Theme>(THEMES.find((one) => one === found) ?? 'auto');

export function chooseTheme(wish: Theme): void {
  keep(KEPT_AS, wish);
  theme.set(wish);
  applyTheme();
}

export function applyTheme(): void {
  const { dataset } = document.documentElement;
  if (theme.value === 'auto') delete dataset.theme;
  else dataset.theme = theme.value;
}
