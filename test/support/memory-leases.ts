import type { BlobLeases, LeaseId } from '../../src/stores/blob-leases.js';

/** Leases in memory, for stores of blobs without a database. */
export class MemoryLeases implements BlobLeases {
  readonly held = new Map<LeaseId, number>();

  async begin(id: LeaseId, until: number): Promise<void> {
    this.held.set(id, until);
  }

  async renew(id: LeaseId, until: number): Promise<boolean> {
    if (!this.held.has(id)) return false;
    this.held.set(id, until);
    return true;
  }

  async ended(before: number, limit: number): Promise<LeaseId[]> {
    return [...this.held].flatMap(([id, until]) => (until <= before ? [id] : [])).slice(0, limit);
  }

  async remove(id: LeaseId): Promise<void> {
    this.held.delete(id);
  }

  async storageId(): Promise<string> {
    return 'a storage';
  }
}
