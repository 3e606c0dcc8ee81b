import type { Logger } from 'pino';
import type { Alerts } from '../accounts/alerts.js';
import { type Audit, SERVER } from '../accounts/audit.js';
import type { Contents, ReceivedContent } from '../drive/contents.js';
import { DriveError } from '../drive/drive-error.js';
import { ContentCollectedError } from '../drive/drive-transaction.js';
import type { BlobIndex, KnownContent } from '../stores/blob-index.js';
import type { BlobRef, BlobStore, UploadOutcome } from '../stores/blob-store.js';
import type { ContentRow, MetadataStore } from '../stores/metadata-store.js';
import type { DamageRow, ScrubStore } from '../stores/scrub-store.js';
import type { BlobId } from '../stores/values.js';
import { checkContent, type Damage, isRight } from './content-check.js';

/** Damaged contents that one call of `mend` looks at, the longest known first. */
const MENDED_MAX = 1_000;
/** Damaged contents that a mail names. */
const NAMED_IN_MAIL = 20;
/** Contents that readers met are looked at again after this, in milliseconds. */
const FOUND_AGAIN_MS = 10 * 60_000;
const FOUND_MAX = 1_000;
/** How often a repair whose place a collector swept is tried again. */
const TRIES_MAX = 5;

/** Where the right bytes of a damaged content may be. */
export interface RepairSource {
  /** For receipts: where the bytes came from. */
  readonly name: string;
  /** Null where it has none of that hash. Nobody believes what it says: the bytes are compared. */
  open(blob: BlobRef): Promise<AsyncIterable<Uint8Array> | null>;
}

export interface DamagesParts {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  readonly store: ScrubStore;
  readonly contents: Contents;
  readonly audit: Pick<Audit, 'recordOf'>;
  /** Null: nobody is written to. */
  readonly alerts: Pick<Alerts, 'tellAdministrators'> | null;
  readonly log: Pick<Logger, 'error' | 'warn' | 'info'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What is damaged of all that is stored: taken out of reach, told, and mended where the right bytes are found. */
export class Damages {
  readonly #parts: DamagesParts;
  /** Ids that readers met, with when. */
  readonly #found = new Map<BlobId, number>();

  constructor(parts: DamagesParts) {
    this.#parts = parts;
  }

  /**
   * Compares a content with its hash. What is damaged is set aside, so that nobody is given wrong bytes, remembered, and told in the log
   * with its files. `pace` as of `ContentCheck`.
   */
  async check(
    content: KnownContent,
    by: 'scrub' | 'read' | 'fsck',
    pace?: (bytes: number) => Promise<void>,
  ): Promise<Damage | null> {
    const { blobs, blobIndex, log, now } = this.#parts;
    const damage = await checkContent(
      { blobs, blobIndex, setsAside: true, now: now(), ...(pace && { pace }) },
      content,
    );
    if (!damage) return null;
    // What was read rightly then is no damage of the content.
    const isNew = damage.kind === 'unsteady' || (await this.#note(content.id, damage, by));
    if (isNew) log.error({ kind: damage.kind, content: content.id }, `a ${by} found damage: ${damage.message}`);
    return damage;
  }

  /** For a reader who met bytes that are lost or wrong: looks at them again by itself. Never throws. */
  found({ key, id, size, bytes, place }: ContentRow): void {
    if (key === undefined) return;
    const now = this.#parts.now();
    if (now - (this.#found.get(id) ?? Number.NEGATIVE_INFINITY) < FOUND_AGAIN_MS) return;
    if (this.#found.size >= FOUND_MAX) this.#found.clear();
    this.#found.set(id, now);
    this.check({ key, id, size, bytes, place }, 'read').catch((error: unknown) => {
      this.#parts.log.error({ err: error, content: id }, 'what a reader found damaged could not be looked at');
    });
  }

  /**
   * Looks again at what is known as damaged. What nobody names any more is forgotten, and what is right again: because somebody stored the
   * same bytes, or because one of the sources has them. Each mended content leaves a record in the audit log.
   */
  async mend(sources: readonly RepairSource[], signal?: AbortSignal): Promise<void> {
    for (const damage of await this.#parts.store.damages(MENDED_MAX)) {
      signal?.throwIfAborted();
      await this.#mendOne(damage, sources);
    }
  }

  /** Writes to administrators about damage that they don't know yet. */
  async tellAdministrators(): Promise<void> {
    const { alerts, store, now } = this.#parts;
    if (!alerts) return;
    const untold = (await store.damages(MENDED_MAX)).filter(({ toldAt }) => toldAt === null);
    if (untold.length === 0) return;
    const more = untold.length - NAMED_IN_MAIL;
    const lines = [
      'The server has found files whose bytes are damaged or lost on its disk. They stay listed, and opening them fails:',
      '',
      ...untold.slice(0, NAMED_IN_MAIL).map(({ message }) => `- ${message}`),
      ...(more > 0 ? [`- and ${more} more`] : []),
      '',
      'Uploading the same file again mends it. The page "Storage" of the console and the command "firn fsck" tell more.',
    ];
    if ((await alerts.tellAdministrators('damaged files', lines)) === 0) return;
    await store.noteTold(
      untold.map(({ contentId }) => contentId),
      now(),
    );
  }

  #note(contentId: BlobId, { kind, message }: Damage, by: string): Promise<boolean> {
    const { store, audit, now } = this.#parts;
    const record = audit.recordOf('content-damaged', null, SERVER, { content: contentId, problem: message, by });
    return store.noteDamage({ contentId, kind, message, foundAt: now() }, record);
  }

  async #mendOne({ contentId }: DamageRow, sources: readonly RepairSource[]): Promise<void> {
    const { blobs, blobIndex, store, log } = this.#parts;
    const content = await blobIndex.find(contentId);
    if (!content || (await blobIndex.paths(content, 1)).length === 0) {
      await store.forgetDamage(contentId, null);
      return;
    }
    if (await isRight(blobs, content)) return this.#noteRepair(content, 'the same bytes, stored again');
    for (const source of sources) {
      const problem = await this.#repair(content, source);
      if (problem === null) return this.#noteRepair(content, source.name);
      log.warn({ content: contentId }, `a damaged content could not be repaired from ${source.name}: ${problem}`);
    }
  }

  async #noteRepair(content: KnownContent, from: string): Promise<void> {
    const { store, blobIndex, audit, log } = this.#parts;
    const contentId = content.id;
    const files = (await blobIndex.paths(content, 5)).join(', ');
    const record = audit.recordOf('content-repaired', null, SERVER, { content: contentId, files, from });
    if (await store.forgetDamage(contentId, record)) {
      log.info({ content: contentId }, `a damaged content is right again, from ${from}; it belongs to ${files}`);
    }
  }

  /** Takes the content from a source; only bytes with its hash replace anything. Returns what is wrong, null where nothing is. */
  async #repair(content: KnownContent, source: RepairSource): Promise<string | null> {
    const { id, size } = content;
    const limit = { bytes: size, error: () => new DriveError('too-large', 'it has more bytes there') };
    try {
      const bytes = await source.open({ id, size, place: null });
      if (!bytes) return 'it is not there';
      const incoming = { size, readAll: () => readAll(bytes, size), chunks: () => bytes };
      const expected = { size, digests: [{ algorithm: 'sha256', hex: id }] as const, kept: [] };
      const received = await this.#parts.contents.receive(incoming, expected, limit);
      return (await this.#record(received)) ? null : 'nothing names it any more';
    } catch (error) {
      if (error instanceof DriveError) return 'it is damaged there, too';
      return (error as Error).message;
    }
  }

  async #record(received: ReceivedContent): Promise<boolean> {
    const { metadata, now } = this.#parts;
    let outcome: UploadOutcome = 'surplus';
    try {
      for (let tries = 1; ; tries++) {
        try {
          const isNamed = await metadata.write([], async (transaction) => {
            outcome = 'surplus';
            const mended = await transaction.mendContent(received.row, now(), received.restoredAfter);
            if (typeof mended !== 'boolean') throw new ContentCollectedError(mended);
            if (mended) outcome = 'unknown';
            return mended;
          });
          outcome = isNamed ? 'named' : 'surplus';
          return isNamed;
        } catch (error) {
          if (!(error instanceof ContentCollectedError) || tries === TRIES_MAX) throw error;
          await received.recover(error.sweep);
        }
      }
    } finally {
      await received.release(outcome);
    }
  }
}

async function readAll(source: AsyncIterable<Uint8Array>, sizeMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    chunks.push(chunk);
    if (size > sizeMax) break;
  }
  return Buffer.concat(chunks);
}
