import { Page } from '../ui/page.js';

export function RequiredSetUp() {
  return <Page title="">{null}</Page>;
}
