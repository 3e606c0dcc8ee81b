import { Page } from '../ui/page.js';

export function AuditPage() {
  return <Page title="">{null}</Page>;
}
