import { Page } from '../ui/page.js';

export function ConnectPage() {
  return <Page title="">{null}</Page>;
}
