import { Page } from '../ui/page.js';

export function FilesPage() {
  return <Page title="">{null}</Page>;
}
