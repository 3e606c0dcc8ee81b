import { Page } from '../ui/page.js';

export function SecurityPage() {
  return <Page title="">{null}</Page>;
}
