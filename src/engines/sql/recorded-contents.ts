import type { Sweep, SweepId } from '../../stores/blob-index.js';
import { placeOf } from '../../stores/blob-store.js';
import type { ContentRow } from '../../stores/metadata-store.js';
import type { BlobId, Digests } from '../../stores/values.js';
import * as contents from './content-statements.js';
import { mendInline } from './damaged-contents.js';
import * as records from './record-statements.js';
import type { SqlConnection } from './sql-database.js';

/** Contents that a transaction records. Those with their bytes are found by no hash, so it knows their keys. */
export class RecordedContents {
  readonly #connection: SqlConnection;
  readonly #keys = new Map<BlobId, number>();
  readonly #recorded = new Set<BlobId>();
  /** The one whose key nobody has asked for. */
  #newest: BlobId | null = null;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  /** What a statement is to name the content by (`contents.keyOf`); null: its hash. */
  keyOf({ id, key }: Pick<ContentRow, 'id' | 'key'>): number | null {
    return key ?? this.#keys.get(id) ?? null;
  }

  /** Whether this transaction has recorded it: the row is held, so that no answer need say that it is there. */
  isRecorded(id: BlobId): boolean {
    return this.#recorded.has(id);
  }

  async put(content: ContentRow, now: number, restoredAfter: SweepId | null): Promise<Sweep | null> {
    const { id, size, sha1 = null, md5 = null, bytes, place } = content;
    if (bytes !== null) {
      await this.#putInline({ id, size, sha1, md5, now, bytes });
      this.#recorded.add(id);
      return null;
    }
    const sweep = await this.#takePlace(content, now, restoredAfter);
    if (sweep) return sweep;
    this.#keys.delete(id);
    await contents.putBlob.send(this.#connection, { id, size, sha1, md5, now, place });
    this.#recorded.add(id);
    return null;
  }

  async mend(content: ContentRow, now: number, restoredAfter: SweepId | null): Promise<Sweep | boolean> {
    const { id, bytes } = content;
    if (bytes !== null) return mendInline(this.#connection, id, bytes);
    if (!(await contents.isBlobKnown.first(this.#connection, { id }))) return false;
    return (await this.put(content, now, restoredAfter)) ?? true;
  }

  async noteDigests({ key }: ContentRow, { sha1, md5 }: Digests): Promise<void> {
    const digests = { sha1: sha1 ?? null, md5: md5 ?? null };
    if (key !== undefined) await contents.noteDigests.send(this.#connection, { key, ...digests });
  }

  async #putInline(content: contents.InlineContent & { readonly id: BlobId }): Promise<void> {
    const { id, bytes } = content;
    if (this.#keys.has(id)) return;
    if (this.#connection.dialect === 'postgres') {
      if (this.#newest !== null && this.#newest !== id) {
        this.#keys.set(this.#newest, (await contents.newestKey.first(this.#connection, {}))!.key);
      }
      await contents.putInlineAndHeal.send(this.#connection, content);
      this.#newest = id;
      this.#keys.set(id, contents.NEWEST);
      return;
    }
    const { key, is_damaged: isDamaged } = (await contents.putInline.first(this.#connection, content))!;
    this.#keys.set(id, key);
    if (isDamaged === 1) await contents.healInline.run(this.#connection, { id, bytes });
  }

  /** Returns the sweep that may have taken the bytes. A content that is recorded at the place has them there. */
  async #takePlace(content: ContentRow, now: number, restoredAfter: SweepId | null): Promise<Sweep | null> {
    const place = placeOf(content);
    if (this.#connection.dialect === 'postgres') await records.holdPlace.send(this.#connection, { place });
    const known = (await records.findPlace.first(this.#connection, { id: content.id, place }))!;
    const { sweep, former } = known;
    if (former === place) return null;
    const isOver = known.is_under_way === 0;
    if (sweep !== null && !(isOver && sweep === restoredAfter)) return { id: sweep as SweepId, isOver };
    if (former !== null) await records.condemnPlace.send(this.#connection, { place: former, now });
    return null;
  }
}
