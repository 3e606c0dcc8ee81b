import { Page } from '../ui/page.js';

export function TrashPage() {
  return <Page title="">{null}</Page>;
}
