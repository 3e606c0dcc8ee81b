import { join } from 'node:path';
import { Accounts } from './accounts/accounts.js';
import { Alerts } from './accounts/alerts.js';
import { Audit } from './accounts/audit.js';
import { Mailer, type MailerOptions } from './accounts/mailer.js';
import { Passwords } from './accounts/passwords.js';
import { SecretBox } from './accounts/secret-box.js';
import type { Config } from './config.js';
import { Contents } from './drive/contents.js';
import type { DriveDependencies } from './drive/drive.js';
import { KeptAnswers } from './drive/kept-answers.js';
import { Uploads } from './drive/uploads/uploads.js';
import {
  type EngineOptions,
  type Engines,
  markOfKeyIn,
  openBackupPlace,
  openCopy,
  openEngines,
} from './engines/open-engines.js';
import { Backups } from './jobs/backups.js';
import { Damages, type DamagesParts } from './jobs/damages.js';
import type { AllowedPlaces } from './jobs/import/address-guard.js';
import { Imports } from './jobs/import/imports.js';
import type { ContentRow } from './stores/metadata-store.js';

export { beginRestore, openBackupPlace, openMove, openRestore } from './engines/open-engines.js';

/** What the server, its first start and the commands work with. What not each of them needs is made when it is asked for. */
export class Parts {
  readonly passwords = new Passwords();
  /** The time that all processes on the storage go by, in milliseconds since 1970. */
  readonly now: () => number;
  readonly audit: Audit;
  readonly accounts: Accounts;
  readonly answers: KeptAnswers;
  /** Where imports may go although the address is private. */
  readonly allowedPlaces: AllowedPlaces;
  /** Called for each content that a reader finds lost or damaged. */
  onDamage: (content: ContentRow) => void = () => {};
  #drives: DriveDependencies | null = null;
  #box: Promise<SecretBox> | null = null;

  constructor(
    readonly config: Config,
    readonly engines: Engines,
  ) {
    const { importAllowedHosts: hosts, importAllowedNetworks: networks } = config;
    this.now = () => engines.now();
    this.answers = new KeptAnswers(engines.metadata.commits, config.answerCacheBytes);
    this.audit = new Audit(engines.metadata, this.now);
    this.accounts = new Accounts(engines.metadata, this.passwords, {
      uploadMaxBytes: config.uploadMaxExtendedBytes,
      audit: this.audit,
      now: this.now,
    });
    this.allowedPlaces = { hosts, networks };
  }

  get drives(): DriveDependencies {
    this.#drives ??= this.#makeDrives();
    return this.#drives;
  }

  /** Encrypts secrets that have to be read again. Rejects as `Engines.readSecretKey` does. */
  openSecretBox(): Promise<SecretBox> {
    this.#box ??= this.engines.readSecretKey().then((key) => new SecretBox(key));
    return this.#box;
  }

  /** Rejects as `openSecretBox` does. */
  async openImports(): Promise<Imports> {
    const { config, engines, allowedPlaces: allowed, now } = this;
    const box = await this.openSecretBox();
    const { metadata } = engines;
    return new Imports({ metadata, box, allowed, idleSeconds: config.idleTimeoutSeconds, now });
  }

  /** `onMailFailure` is called for each mail that could not be sent. */
  makeAlerts(onMailFailure: MailerOptions['onFailure']): Alerts {
    const { smtpUrl, mailFrom, realm } = this.config;
    const hasMail = smtpUrl !== null && mailFrom !== null;
    const mailer = hasMail ? new Mailer({ smtpUrl, mailFrom, onFailure: onMailFailure }) : null;
    return new Alerts(this.engines.metadata, this.audit, { mailer, realm, now: this.now });
  }

  /** `alerts`: by which administrators are written to. */
  makeDamages(log: DamagesParts['log'], alerts: Alerts | null): Damages {
    const { engines, audit, now, drives } = this;
    const { metadata, blobs, blobIndex, scrubStore: store } = engines;
    const { contents } = drives;
    return new Damages({ metadata, blobs, blobIndex, store, contents, audit, alerts, log, now });
  }

  /** `folder`: where they are; else where the configuration says, and null where it says nothing. */
  makeBackups(folder: string | null = null): Backups | null {
    const { config, engines, now } = this;
    const { backup, storage } = config;
    const to = folder === null ? backup?.to : { engine: 'folder' as const, path: folder };
    if (!to) return null;
    const { blobs, blobIndex, copyTo, markOfSecretKey, storageId } = engines;
    const keyCopy = backup?.secretKeyCopy ?? null;
    return new Backups({
      ...{ blobs, blobIndex, copyTo, markOfSecretKey, storageId, openCopy, now },
      openPlace: () => openBackupPlace(to),
      workFolder: join(storage, 'incoming'),
      keep: backup?.keep ?? 1,
      markOfKeyCopy: async () => (keyCopy === null ? null : ((await markOfKeyIn(keyCopy)) ?? 'no key')),
    });
  }

  /** To be called when nobody is at work any more. */
  async close(): Promise<void> {
    await this.#drives?.uploads.stop();
    await this.engines.close();
  }

  #makeDrives(): DriveDependencies {
    const { config, engines, now } = this;
    const { inlineMaxBytes, uploadMaxBytes, uploadMaxExtendedBytes, uploadExpiryHours: expiryHours } = config;
    const { metadata, blobs } = engines;
    const contents = new Contents(blobs, { inlineMaxBytes, onDamage: (content) => this.onDamage(content) });
    const uploads = new Uploads({ metadata, contents, expiryHours, now });
    const { answers } = this;
    return { metadata, contents, uploads, uploadMaxBytes, uploadMaxExtendedBytes, answers, now };
  }
}

/** Opens the data that the configuration names. Rejects as `openEngines` does. */
export async function openParts(config: Config, options: EngineOptions): Promise<Parts> {
  return new Parts(config, await openEngines(config, options));
}
