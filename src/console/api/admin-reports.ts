import { auditPage } from '../audit-page.js';
import type { StorageAnswer } from '../contract.js';
import { ok, type Route, route } from '../route.js';

/** Days of the plot. */
const DAYS_MAX = 366;

export const adminReportRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/admin/audit',
    access: 'administrator',
    summary: 'What happened to accounts, the latest first, a page at a time; by `user`, by `kind`, or both.',
    run: async ({ query }, { accounts, audit }) => {
      const email = query.get('user');
      const filter = email === null ? {} : { userId: (await accounts.readUser(email)).id };
      return ok(await auditPage(audit, query, filter));
    },
  }),
  route({
    method: 'GET',
    path: '/api/admin/storage',
    access: 'administrator',
    summary: 'How full the storage was, a point a day, what is free on its disk, and how many contents are damaged.',
    run: async (_request, { history, freeBytes, damagedContents }) => {
      const points = await history.points(DAYS_MAX);
      const answer: StorageAnswer = { points, freeBytes: await freeBytes(), damaged: damagedContents() };
      return ok(answer);
    },
  }),
];
