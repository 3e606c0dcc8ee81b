import { Page } from '../ui/page.js';

export function DrivesPage() {
  return <Page title="">{null}</Page>;
}
