import type { UserRow } from '../stores/account-store.js';
import type { MetadataStore } from '../stores/metadata-store.js';
import { AccountError } from './account-error.js';
import type { Actor, Audit } from './audit.js';
import type { Mail, Mailer } from './mailer.js';

export interface AlertsOptions {
  /** Null: there is no mail server; people see it when they next sign in. */
  readonly mailer: Mailer | null;
  /** What the server is called in mails. */
  readonly realm: string;
  readonly now?: () => number;
}

export interface AlertReport {
  /** Users who see it at their next sign-in. */
  readonly alerted: number;
  /** Mails that the mail server took. */
  readonly mailed: number;
}

/** Users that are alerted together. */
const PAGE = 100;

/** Administrators ask users to set up a second factor (PRODUCT S4): by a banner, and by mail where there is a mail server. */
export class Alerts {
  readonly #metadata: MetadataStore;
  readonly #audit: Audit;
  readonly #options: AlertsOptions;
  readonly #now: () => number;

  constructor(metadata: MetadataStore, audit: Audit, options: AlertsOptions) {
    this.#metadata = metadata;
    this.#audit = audit;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get hasMailer(): boolean {
    return this.#options.mailer !== null;
  }

  /** `address`: where people sign in; null: unknown. Throws `AccountError` `second-factor-on`. */
  async alertOne(user: UserRow, actor: Actor, address: string | null): Promise<AlertReport> {
    if (user.hasSecondFactor) {
      throw new AccountError('second-factor-on', `${user.email} has two-factor authentication already.`);
    }
    await this.#tell([user], actor);
    return { alerted: 1, mailed: user.isDisabled ? 0 : await this.#mail([user], address) };
  }

  /** Everyone who can sign in and has no second factor. All are alerted before the first mail goes out. */
  async alertAll(actor: Actor, address: string | null): Promise<AlertReport> {
    const users: UserRow[] = [];
    for await (const page of this.#pages({ isWithoutSecondFactor: true })) {
      await this.#tell(page, actor);
      users.push(...page);
    }
    return { alerted: users.length, mailed: await this.#mail(users, address) };
  }

  /** Writes to all administrators, where there is a mail server. Returns how many mails it took. */
  async tellAdministrators(what: string, lines: readonly string[]): Promise<number> {
    const { mailer, realm } = this.#options;
    if (!mailer) return 0;
    const administrators: UserRow[] = [];
    for await (const page of this.#pages({ isWithoutSecondFactor: false })) {
      administrators.push(...page.filter(({ isAdmin, isDisabled }) => isAdmin && !isDisabled));
    }
    const text = [...lines, ''].join('\n');
    return mailer.send(
      administrators.map(({ name, email }) => ({ to: { name, address: email }, subject: `${realm}: ${what}`, text })),
    );
  }

  /** The last one may be empty. */
  async *#pages(filter: { readonly isWithoutSecondFactor: boolean }): AsyncGenerator<UserRow[], void, undefined> {
    for (let after: string | null = null; ; ) {
      const from: string | null = after;
      const page: UserRow[] = await this.#metadata.readOne([], ({ accounts }) =>
        accounts.listUsersWithDrives(filter, from, PAGE),
      );
      yield page;
      if (page.length < PAGE) return;
      after = page.at(-1)!.email;
    }
  }

  #tell(users: readonly UserRow[], actor: Actor): Promise<void> {
    return this.#metadata.write([], async (transaction) => {
      for (const { id } of users) {
        await transaction.security.setAlert(id, this.#now());
        await this.#audit.noteIn(transaction, 'second-factor-alert', id, actor);
      }
    });
  }

  async #mail(users: readonly UserRow[], address: string | null): Promise<number> {
    const { mailer, realm } = this.#options;
    return mailer ? mailer.send(users.map((user) => mailTo(user, realm, address))) : 0;
  }
}

function mailTo({ name, email }: UserRow, realm: string, address: string | null): Mail {
  const where = address === null ? `Sign in to ${realm} with a browser` : `Sign in at ${address}/`;
  const text = [
    `Hello ${name},`,
    '',
    `an administrator of ${realm} asks you to set up two-factor authentication for your account ${email}.`,
    '',
    `${where} and open "Security". You need an authenticator app on your phone, and two minutes.`,
    '',
    'Programs and devices then sign in with app passwords, which you make on the same pages.',
    '',
  ].join('\n');
  return { to: { name, address: email }, subject: `${realm}: please set up two-factor authentication`, text };
}
