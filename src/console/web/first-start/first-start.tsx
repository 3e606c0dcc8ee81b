import { Page } from '../ui/page.js';

export function FirstStart() {
  return <Page title="">{null}</Page>;
}
