import { Page } from '../ui/page.js';

export function AppPasswordsPage() {
  return <Page title="">{null}</Page>;
}
