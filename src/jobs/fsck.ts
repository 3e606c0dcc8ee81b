import { type BlobIndex, type MetadataCheck, MetadataDamagedError, type NamedContent } from '../stores/blob-index.js';
import type { BlobStore } from '../stores/blob-store.js';
import type { Durability } from '../stores/durability.js';
import type { BlobPlace } from '../stores/values.js';
import { checkContent, type Damage } from './content-check.js';
import { namedContents, orDamage, UnreadParts } from './named-contents.js';

/** Contents of one question to the database; inline ones come with their bytes. */
const PAGE = 100;

export interface Finding {
  /** `leftover`: harmless bytes that nothing names; the collector removes them. */
  readonly severity: 'error' | 'leftover';
  readonly kind: string;
  readonly message: string;
}

export interface Check {
  readonly blobs: BlobStore;
  readonly blobIndex: BlobIndex;
  readonly metadata: MetadataCheck;
  readonly durability: Pick<Durability, 'losses' | 'forgetLosses'>;
  /**
   * Forgets what was told lost, mends counters and flags, and sets damaged blobs aside, so that nobody is given wrong bytes. Only a backup, or
   * another upload of the same file, brings lost or damaged bytes back.
   */
  readonly repair: boolean;
  /** In place of the check of a content here, for one who remembers and mends what is damaged. */
  readonly checkOne?: (content: NamedContent) => Promise<Damage | null>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Looks at everything: the metadata in itself, each content that a file names (there, of the right size, of the right
 * hash), and bytes that nothing names. Reads all bytes once, in constant memory; may run beside a server. Goes on after
 * what is damaged.
 */
export async function* checkEverything(options: Check): AsyncGenerator<Finding> {
  for (const { kind, message } of await options.durability.losses()) {
    yield { severity: 'error', kind: kind === 'past' ? 'past-returned' : 'log-damaged', message };
  }
  if (options.repair) await options.durability.forgetLosses();
  for await (const { kind, message } of options.metadata.check(options)) yield { severity: 'error', kind, message };
  const unread = new UnreadParts();
  const { blobs, blobIndex, repair: setsAside, now } = options;
  const checkOne =
    options.checkOne ?? ((content: NamedContent) => checkContent({ blobs, blobIndex, setsAside, now }, content));
  for await (const content of namedContents(blobIndex, { after: null, page: PAGE }, unread)) {
    const damage = await checkOne(content);
    if (damage) yield { severity: 'error', ...damage };
  }
  yield* leftovers(options, unread);
  const untold = unread.tell();
  if (untold) yield { severity: 'error', kind: 'database', message: untold };
}

/** Bytes that no file names: of uploads whose transaction never came or is just about to, of files deleted for good. */
async function* leftovers({ blobs, blobIndex }: Check, unread: UnreadParts): AsyncGenerator<Finding> {
  let page: BlobPlace[] = [];
  const unnamed = async function* () {
    const places = await orDamage(blobIndex.unnamed(page));
    if (places instanceof MetadataDamagedError) unread.note(places, `from ${page[0]} on`);
    else for (const place of places) yield leftover(place);
    page = [];
  };
  for await (const { place } of blobs.list()) {
    page.push(place);
    if (page.length === PAGE) yield* unnamed();
  }
  yield* unnamed();
}

function leftover(place: BlobPlace): Finding {
  return { severity: 'leftover', kind: 'unnamed-bytes', message: `blob ${place} is named by no file` };
}
