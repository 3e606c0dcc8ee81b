import { makePassword } from '../../accounts/password-rules.js';
import type { UserRow } from '../../stores/account-store.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import {
  type AlertAnswer,
  adminUserContract,
  type NewPasswordAnswer,
  type NewUserAnswer,
  type UserChangeBody,
  type UserEntry,
  type UsersAnswer,
} from '../contract/admin-users.js';
import { pageOf } from '../page-of.js';
import { bind, type ConsoleRequest, made, ok, type RequestTo } from '../route.js';

const PAGE = 100;

type OfUser = ConsoleRequest<unknown, unknown, 'email'>;

export const adminUserRoutes = bind(adminUserContract, {
  'GET /api/admin/users': listUsers,
  'POST /api/admin/users': createUser,
  'PATCH /api/admin/users/:email': async (request, parts) => {
    await parts.accounts.as(actorOf(request)).changeUser(request.parameters.email, defined(request.body));
    return ok(await readEntry(request, parts));
  },
  'POST /api/admin/users/:email/password': setPassword,
  'POST /api/admin/users/:email/reset-2fa': resetSecondFactor,
  'POST /api/admin/users/:email/alert': async (request, parts) => {
    const user = await parts.accounts.readUser(request.parameters.email);
    return alerted(parts, await parts.alerts.alertOne(user, actorOf(request), addressOf(request, parts)));
  },
  'POST /api/admin/alert': async (request, parts) =>
    alerted(parts, await parts.alerts.alertAll(actorOf(request), addressOf(request, parts))),
  'GET /api/admin/organization': async (_request, { metadata }) =>
    ok({ isSecondFactorRequired: await metadata.readOne([], ({ security }) => security.isSecondFactorRequired()) }),
  'PUT /api/admin/organization': changeOrganization,
});

async function listUsers({ query }: RequestTo<'GET /api/admin/users'>, { metadata }: ConsoleParts) {
  const { secondFactor, after = null } = query;
  const filter = { isWithoutSecondFactor: secondFactor === 'none' };
  const answer = await metadata.read([], async ({ accounts, security }): Promise<UsersAnswer> => {
    const { rows, last } = await pageOf(PAGE, (limit) => accounts.listUsersWithDrives(filter, after, limit));
    return {
      users: rows.map((user) => describe(user, user.drives)),
      next: last && last.email,
      isSecondFactorRequired: await security.isSecondFactorRequired(),
      withoutSecondFactor: await accounts.countWithoutSecondFactor(),
    };
  });
  return ok(answer);
}

async function createUser(request: RequestTo<'POST /api/admin/users'>, parts: ConsoleParts) {
  const { email, name, isAdmin, password: given } = request.body;
  const password = given ?? makePassword();
  const user = await parts.accounts.as(actorOf(request)).createUser({ email, name, password, isAdmin });
  const answer: NewUserAnswer = { user: describe(user, 0), password: given === undefined ? password : null };
  return made(answer);
}

async function setPassword(request: RequestTo<'POST /api/admin/users/:email/password'>, parts: ConsoleParts) {
  const given = request.body.password;
  const password = given ?? makePassword();
  await parts.accounts.as(actorOf(request)).setPassword(request.parameters.email, password);
  const answer: NewPasswordAnswer = { password: given === undefined ? password : null };
  return ok(answer);
}

async function resetSecondFactor(request: RequestTo<'POST /api/admin/users/:email/reset-2fa'>, parts: ConsoleParts) {
  await parts.accounts.as(actorOf(request)).resetSecondFactor(request.parameters.email);
  return ok(await readEntry(request, parts));
}

async function changeOrganization(request: RequestTo<'PUT /api/admin/organization'>, parts: ConsoleParts) {
  await parts.accounts.as(actorOf(request)).requireSecondFactor(request.body.isSecondFactorRequired);
  return ok(request.body);
}

function alerted({ alerts }: ConsoleParts, report: Pick<AlertAnswer, 'alerted' | 'mailed'>) {
  const answer: AlertAnswer = { ...report, hasMailServer: alerts.hasMailer };
  return ok(answer);
}

/** Where people reach the console, without a slash at the end. */
function addressOf({ origin, prefix }: ConsoleRequest, { publicUrl }: ConsoleParts): string {
  return publicUrl ?? origin + prefix;
}

async function readEntry(request: OfUser, { accounts }: ConsoleParts): Promise<UserEntry> {
  const user = await accounts.readUser(request.parameters.email);
  return describe(user, (await accounts.drivesOf(user.id)).length);
}

function describe(user: UserRow, drives: number): UserEntry {
  const { email, name, isAdmin, isDisabled, hasSecondFactor, alertedAt, createdAt } = user;
  return {
    email,
    name,
    isAdmin,
    isDisabled,
    hasSecondFactor,
    alertedAt: alertedAt === null ? null : new Date(alertedAt).toISOString(),
    createdAt: new Date(createdAt).toISOString(),
    drives,
  };
}

/** Without the members that are undefined. */
function defined({ name, isAdmin, isDisabled }: UserChangeBody) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(isAdmin === undefined ? {} : { isAdmin }),
    ...(isDisabled === undefined ? {} : { isDisabled }),
  };
}
