import { z } from 'zod';
import { makePassword } from '../../accounts/password-rules.js';
import type { UserRow } from '../../stores/account-store.js';
import { ConsoleError } from '../console-error.js';
import { actorOf, type ConsoleParts } from '../console-parts.js';
import type {
  AlertAnswer,
  NewPasswordAnswer,
  NewPasswordBody,
  NewUserAnswer,
  NewUserBody,
  OrganizationBody,
  UserChangeBody,
  UserEntry,
  UsersAnswer,
} from '../contract.js';
import { type ConsoleRequest, made, ok, type Route, route } from '../route.js';

const PAGE = 100;
/** The accounts' own rules say what is too long; these bound what they look at. */
const text = z.string().max(1024);

const newUserBody: z.ZodType<NewUserBody> = z.strictObject({
  email: text,
  name: text,
  isAdmin: z.boolean(),
  password: text.optional(),
});
const userChangeBody: z.ZodType<UserChangeBody> = z.strictObject({
  name: text.optional(),
  isAdmin: z.boolean().optional(),
  isDisabled: z.boolean().optional(),
});
const newPasswordBody: z.ZodType<NewPasswordBody> = z.strictObject({ password: text.optional() });
const organizationBody: z.ZodType<OrganizationBody> = z.strictObject({ isSecondFactorRequired: z.boolean() });

export const adminUserRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/admin/users',
    access: 'administrator',
    summary: 'Users by e-mail address, a page at a time; `secondFactor=none`: those who can sign in and have none.',
    run: listUsers,
  }),
  route({
    method: 'POST',
    path: '/api/admin/users',
    access: 'fresh-administrator',
    summary: 'Makes a user; without a password one is made up, and given back this once.',
    body: newUserBody,
    run: createUser,
  }),
  route({
    method: 'PATCH',
    path: '/api/admin/users/:email',
    access: 'fresh-administrator',
    summary: 'Changes a user’s name, makes them administrator or not, stops them or lets them in again.',
    body: userChangeBody,
    run: async (request, parts) => {
      await parts.accounts.as(actorOf(request)).changeUser(emailOf(request), defined(request.body));
      return ok(await readEntry(request, parts));
    },
  }),
  route({
    method: 'POST',
    path: '/api/admin/users/:email/password',
    access: 'fresh-administrator',
    summary: 'Gives a user another password, which ends their sessions; without one in the body, one is made up.',
    body: newPasswordBody,
    run: setPassword,
  }),
  route({
    method: 'POST',
    path: '/api/admin/users/:email/reset-2fa',
    access: 'fresh-administrator',
    summary: 'Takes away a user’s second factors, for who has lost phone and recovery codes.',
    run: resetSecondFactor,
  }),
  route({
    method: 'POST',
    path: '/api/admin/users/:email/alert',
    access: 'fresh-administrator',
    summary: 'Asks a user to set up a second factor: at the next sign-in, and by mail where there is a mail server.',
    run: async (request, parts) => {
      const user = await parts.accounts.readUser(emailOf(request));
      return alerted(parts, await parts.alerts.alertOne(user, actorOf(request), addressOf(request, parts)));
    },
  }),
  route({
    method: 'POST',
    path: '/api/admin/alert',
    access: 'fresh-administrator',
    summary: 'Asks everyone who has none to set up a second factor.',
    run: async (request, parts) =>
      alerted(parts, await parts.alerts.alertAll(actorOf(request), addressOf(request, parts))),
  }),
  route({
    method: 'GET',
    path: '/api/admin/organization',
    access: 'administrator',
    summary: 'Whether everyone needs a second factor.',
    run: async (_request, { security }) => ok({ isSecondFactorRequired: await security.isSecondFactorRequired() }),
  }),
  route({
    method: 'PUT',
    path: '/api/admin/organization',
    access: 'fresh-administrator',
    summary: 'Requires a second factor of everyone, or no longer: without it the console does nothing but set it up.',
    body: organizationBody,
    run: changeOrganization,
  }),
];

async function listUsers({ query }: ConsoleRequest, { store, security }: ConsoleParts) {
  const secondFactor = query.get('secondFactor');
  if (secondFactor !== null && secondFactor !== 'none') {
    throw new ConsoleError(400, 'invalid-input', 'secondFactor can be "none".', { field: 'secondFactor' });
  }
  const filter = { isWithoutSecondFactor: secondFactor === 'none' };
  // One more tells whether there is another page.
  const rows = await store.listUsersWithDrives(filter, query.get('after'), PAGE + 1);
  const users = rows.slice(0, PAGE).map((user) => describe(user, user.drives));
  const answer: UsersAnswer = {
    users,
    next: rows.length > PAGE ? users.at(-1)!.email : null,
    isSecondFactorRequired: await security.isSecondFactorRequired(),
    withoutSecondFactor: await store.countWithoutSecondFactor(),
  };
  return ok(answer);
}

async function createUser(request: ConsoleRequest<NewUserBody>, parts: ConsoleParts) {
  const { email, name, isAdmin, password: given } = request.body;
  const password = given ?? makePassword();
  const user = await parts.accounts.as(actorOf(request)).createUser({ email, name, password, isAdmin });
  const answer: NewUserAnswer = { user: describe(user, 0), password: given === undefined ? password : null };
  return made(answer);
}

async function setPassword(request: ConsoleRequest<NewPasswordBody>, parts: ConsoleParts) {
  const given = request.body.password;
  const password = given ?? makePassword();
  await parts.accounts.as(actorOf(request)).setPassword(emailOf(request), password);
  const answer: NewPasswordAnswer = { password: given === undefined ? password : null };
  return ok(answer);
}

async function resetSecondFactor(request: ConsoleRequest, parts: ConsoleParts) {
  const user = await parts.accounts.readUser(emailOf(request));
  if (!(await parts.secondFactors.remove(user.id))) {
    throw new ConsoleError(409, 'second-factor-off', `${user.email} has no two-factor authentication.`);
  }
  await parts.audit.note('second-factor-reset', user.id, actorOf(request));
  return ok(await readEntry(request, parts));
}

async function changeOrganization(request: ConsoleRequest<OrganizationBody>, parts: ConsoleParts) {
  const { isSecondFactorRequired: isRequired } = request.body;
  if (isRequired !== (await parts.security.isSecondFactorRequired())) {
    await parts.security.requireSecondFactor(isRequired);
    await parts.audit.note('second-factor-rule', null, actorOf(request), { isRequired });
  }
  return ok(request.body);
}

function alerted({ alerts }: ConsoleParts, report: Pick<AlertAnswer, 'alerted' | 'mailed'>) {
  const answer: AlertAnswer = { ...report, hasMailServer: alerts.hasMailer };
  return ok(answer);
}

/** Where people reach the console, without a slash at the end. */
function addressOf({ origin, prefix }: ConsoleRequest<unknown>, { publicUrl }: ConsoleParts): string {
  return publicUrl ?? origin + prefix;
}

function emailOf({ parameters }: ConsoleRequest<unknown>): string {
  return parameters.email ?? '';
}

async function readEntry(request: ConsoleRequest<unknown>, { accounts, store }: ConsoleParts): Promise<UserEntry> {
  const user = await accounts.readUser(emailOf(request));
  return describe(user, (await store.drivesOf(user.id)).length);
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
