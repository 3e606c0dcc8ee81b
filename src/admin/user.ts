import { Command } from 'commander';
import { OPERATOR } from '../accounts/audit.js';
import { makePassword } from '../accounts/password-rules.js';
import type { UserRow } from '../stores/account-store.js';
import { toDriveId } from './arguments.js';
import { UsageError } from './command-error.js';
import { printable, table } from './table.js';
import { type OutputOptions, print, readPassword, remark, toIso, toMinute, WorkCommand } from './workplace.js';

interface PasswordOptions extends OutputOptions {
  readonly passwordStdin?: boolean;
}

/** Scripts set up a Firn before its first start, and begin with its first user. */
const FIRST_STEP = { mayMake: true };

export function userCommand(): Command {
  const command = new Command('user').description('people who can sign in');
  command.addCommand(create());
  command.addCommand(list());
  command.addCommand(rename());
  command.addCommand(makeAdministrator());
  command.addCommand(setPassword());
  command.addCommand(setDrive());
  command.addCommand(resetSecondFactor());
  command.addCommand(requireSecondFactor());
  command.addCommand(alert());
  command.addCommand(switchUser('disable', true));
  command.addCommand(switchUser('enable', false));
  return command;
}

function create(): Command {
  return new WorkCommand('create')
    .description('make a user; without --password-stdin a password is made up and printed once')
    .argument('<email>')
    .option('--name <name>', 'name of the person')
    .option('--admin', 'make the user an administrator')
    .option('--password-stdin', 'read the password from standard input')
    .works(
      'firn user create anna@example.org --name "Anna Keller"',
      async ({ accounts }, email: string, options: PasswordOptions & { name?: string; admin?: boolean }) => {
        const given = options.passwordStdin ? await readPassword() : null;
        const password = given ?? makePassword();
        const { name = null, admin: isAdmin = false } = options;
        const user = await accounts.createUser({ email, name, password, isAdmin });
        remark(`User ${user.email} is made.`);
        printPassword(options, describe(user), given, password);
      },
      FIRST_STEP,
    );
}

function list(): Command {
  return new WorkCommand('list')
    .description('list the users')
    .works('firn user list', async ({ accounts }, options: OutputOptions) => {
      const users: UserRow[] = [];
      for await (const user of accounts.users()) users.push(user);
      const rows = users.map((user) => [
        user.email,
        user.name,
        stateOf(user),
        user.hasSecondFactor ? 'on' : 'off',
        toMinute(user.createdAt),
      ]);
      print(options, users.map(describe), table(['EMAIL', 'NAME', 'STATE', '2FA', 'CREATED'], rows));
    });
}

function rename(): Command {
  return new WorkCommand('rename')
    .description('give a user another name; the e-mail address stays')
    .argument('<email>')
    .argument('<name>', 'name of the person')
    .works(
      'firn user rename anna@example.org "Anna Keller"',
      async ({ accounts }, email: string, name: string, options: OutputOptions) => {
        await accounts.changeUser(email, { name });
        const user = await accounts.readUser(email);
        remark(`User ${user.email} is called ${printable(user.name)}.`);
        print(options, describe(user), '');
      },
    );
}

function makeAdministrator(): Command {
  return new WorkCommand('admin')
    .description('make a user an administrator, or no longer one')
    .argument('<email>')
    .argument('<on|off>')
    .works(
      'firn user admin anna@example.org on',
      async ({ accounts }, email: string, state: string, options: OutputOptions) => {
        const isAdmin = isOn(state);
        await accounts.changeUser(email, { isAdmin });
        const user = await accounts.readUser(email);
        remark(`User ${user.email} is ${isAdmin ? 'an administrator' : 'no administrator'}.`);
        print(options, describe(user), '');
      },
    );
}

function setPassword(): Command {
  return new WorkCommand('set-password')
    .description('give a user another password; the old one is refused at once')
    .argument('<email>')
    .option('--password-stdin', 'read the password from standard input')
    .works('firn user set-password anna@example.org', async ({ accounts }, email: string, options: PasswordOptions) => {
      const given = options.passwordStdin ? await readPassword() : null;
      const password = given ?? makePassword();
      await accounts.setPassword(email, password);
      const user = await accounts.readUser(email);
      remark(`User ${user.email} has a new password.`);
      printPassword(options, describe(user), given, password);
    });
}

function setDrive(): Command {
  return new WorkCommand('set-drive')
    .description('choose the drive that Nextcloud and ownCloud apps show a user who has several')
    .argument('<email>')
    .argument('<id>', "a drive's ID, or none for the oldest")
    .works(
      'firn user set-drive anna@example.org 123456',
      async ({ accounts }, email: string, id: string, options: OutputOptions) => {
        await accounts.setOwnDrive(email, id === 'none' ? null : toDriveId(id));
        const user = await accounts.readUser(email);
        const drive = user.ownDriveId === null ? 'the oldest drive of theirs' : `drive ${user.ownDriveId}`;
        remark(`The apps of ${user.email} show ${drive}.`);
        print(options, describe(user), '');
      },
    );
}

function resetSecondFactor(): Command {
  return new WorkCommand('reset-2fa')
    .description("take away a user's two-factor authentication, for who has lost phone and recovery codes")
    .argument('<email>')
    .works('firn user reset-2fa anna@example.org', async ({ accounts }, email: string, options: OutputOptions) => {
      const user = await accounts.readUser(email);
      await accounts.resetSecondFactor(user.email);
      remark(`${user.email} signs in with the password alone now, until two-factor authentication is set up again.`);
      print(options, describe(await accounts.readUser(email)), '');
    });
}

function requireSecondFactor(): Command {
  return new WorkCommand('require-2fa')
    .description('require two-factor authentication of everyone: without it the console does nothing but set it up')
    .argument('<on|off>')
    .works('firn user require-2fa on', async ({ accounts }, state: string, options: OutputOptions) => {
      const isRequired = isOn(state);
      await accounts.requireSecondFactor(isRequired);
      remark(`Two-factor authentication is ${isRequired ? 'required of everyone' : "everyone's own choice"}.`);
      print(options, { isRequired }, '');
    });
}

function alert(): Command {
  return new WorkCommand('alert')
    .description('ask a user to set up two-factor authentication: at the next sign-in, and by mail with smtpUrl set')
    .argument('[email]')
    .option('--all', 'everyone who can sign in and has none')
    .works(
      'firn user alert --all',
      async (parts, email: string | undefined, options: OutputOptions & { all?: boolean }) => {
        const { accounts, config } = parts;
        if ((email === undefined) === !options.all) throw new UsageError('Give an e-mail address, or --all.');
        const alerts = parts.makeAlerts(({ reason }) => remark(`A mail could not be sent: ${reason}`));
        const address = config.publicUrl?.replace(/\/$/, '') ?? null;
        const report =
          email === undefined
            ? await alerts.alertAll(OPERATOR, address)
            : await alerts.alertOne(await accounts.readUser(email), OPERATOR, address);
        const mails = alerts.hasMailer ? `mails that went out: ${report.mailed}` : 'no mail server is set (smtpUrl)';
        remark(`Users who see it at their next sign-in: ${report.alerted}; ${mails}.`);
        print(options, report, '');
      },
    );
}

function switchUser(name: 'disable' | 'enable', isDisabled: boolean): Command {
  return new WorkCommand(name)
    .description(
      isDisabled ? 'refuse a user from the next request on; their files stay' : 'let a disabled user in again',
    )
    .argument('<email>')
    .works(`firn user ${name} anna@example.org`, async ({ accounts }, email: string, options: OutputOptions) => {
      await accounts.setDisabled(email, isDisabled);
      const user = await accounts.readUser(email);
      remark(`User ${user.email} is ${isDisabled ? 'disabled' : 'enabled'}.`);
      print(options, describe(user), '');
    });
}

/** A made-up password alone on standard output; one that was given isn't repeated. */
function printPassword(options: OutputOptions, user: object, given: string | null, password: string): void {
  if (given !== null) {
    print(options, user, '');
  } else {
    if (!options.json) remark('The password, which is not shown again:');
    print(options, { ...user, password }, password);
  }
}

/** Throws `UsageError` for what is neither. */
function isOn(state: string): boolean {
  if (state !== 'on' && state !== 'off') throw new UsageError('Say on or off.');
  return state === 'on';
}

function stateOf(user: UserRow): string {
  return user.isDisabled ? 'disabled' : user.isAdmin ? 'administrator' : 'active';
}

function describe(user: UserRow) {
  const { email, name, isAdmin, isDisabled, hasSecondFactor, ownDriveId, createdAt } = user;
  return { email, name, isAdmin, isDisabled, hasSecondFactor, driveId: ownDriveId, createdAt: toIso(createdAt) };
}
