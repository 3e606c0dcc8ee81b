import { Store } from './store.js';

export type Language = 'en' | 'fr';
export const LANGUAGES: readonly { readonly code: Language; readonly name: string }[] = [
  { code: 'en', name: 'English' },
  { code: 'fr', name: 'Français' },
];

const KEPT_AS = 'firn-language';

/** What was chosen in this browser, else the first of its languages that there is. */
export const language = new Store<Language>(detect());

/** For dates and numbers: the chosen language as the browser's country writes it, `en-GB`. */
export function locale(): string {
  return navigator.languages.find((wish) => wish.toLowerCase().startsWith(`${language.value}-`)) ?? language.value;
}

export function chooseLanguage(code: Language): void {
  keep(KEPT_AS, code);
  language.set(code);
}

/**
 * The texts of a part of the console, in the language of the moment: `const text = texts({ en, fr })`, then `text.title`. The
 * whole console renders again when the language changes.
 */
export function texts<T extends object>(catalogs: Readonly<Record<Language, T>>): T {
  return new Proxy(catalogs.en, {
    get: (_, name) => catalogs[language.value][name as keyof T],
  });
}

/** Browsers that keep nothing still work. */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Chosen for this page alone, then.
  }
}

export function forget(name: string): void {
  try {
    localStorage.removeItem(name);
  } catch {
    // It kept nothing.
  }
}

function detect(): Language {
  const wishes = [kept(KEPT_AS) ?? '', ...navigator.languages].map((wish) => wish.slice(0, 2).toLowerCase());
  return wishes.find((wish): wish is Language => LANGUAGES.some(({ code }) => code === wish)) ?? 'en';
}
