import type { Durability } from '../stores/durability.js';
import type { Reserve } from './reserve.js';
import type { SqliteDatabase } from './sqlite/sqlite-database.js';

/** What keeps a storage folder safe beside its data. */
export class StorageDurability implements Durability {
  readonly #database: SqliteDatabase;
  readonly #reserve: Reserve;

  constructor(database: SqliteDatabase, reserve: Reserve) {
    this.#database = database;
    this.#reserve = reserve;
  }

  trouble(): string | null {
    return this.#database.trouble();
  }

  prove(): Promise<void> {
    return this.#database.prove();
  }

  emptyLog(): Promise<boolean> {
    return this.#database.emptyLog();
  }

  keepReserve(): Promise<void> {
    return this.#reserve.fill();
  }
}
