import { Page } from '../ui/page.js';

export function StoragePage() {
  return <Page title="">{null}</Page>;
}
