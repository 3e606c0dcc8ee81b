import { auditPage } from '../audit-page.js';
import { adminReportContract, type StorageAnswer } from '../contract/admin-reports.js';
import { bind, ok } from '../route.js';

/** Days of the plot. */
const DAYS_MAX = 366;

export const adminReportRoutes = bind(adminReportContract, {
  'GET /api/admin/audit': async ({ query }, { accounts, audit }) => {
    const filter = query.user === undefined ? {} : { userId: (await accounts.readUser(query.user)).id };
    return ok(await auditPage(audit, query, filter));
  },
  'GET /api/admin/storage': async (_request, { history, freeBytes, damagedContents }) => {
    const points = await history.points(DAYS_MAX);
    const answer: StorageAnswer = { points, freeBytes: await freeBytes(), damaged: await damagedContents() };
    return ok(answer);
  },
});
