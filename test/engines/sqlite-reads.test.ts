import { afterEach, describe, expect, it, vi } from 'vitest';
import { SqliteConnection } from '../../src/engines/sqlite/sqlite-connection.js';
import { SqliteDatabase } from '../../src/engines/sqlite/sqlite-database.js';
import { MIGRATIONS } from '../support/sqlite-file.js';

describe('a read that SQLite refuses', () => {
  afterEach(() => vi.restoreAllMocks());

  for (const refused of ['BEGIN', 'COMMIT']) {
    it(`at ${refused} fails alone: the next read has its turn`, { timeout: 5_000 }, async () => {
      const database = SqliteDatabase.open(':memory:', MIGRATIONS);
      const control = SqliteConnection.prototype.control;
      let isRefused = false;
      // The fault is made, all else is the real connection: SQLite refuses when its disk does.
      vi.spyOn(SqliteConnection.prototype, 'control').mockImplementation(function (this: SqliteConnection, sql) {
        const fails = sql === refused && !isRefused;
        if (!fails || refused === 'COMMIT') control.call(this, sql);
        if (!fails) return;
        isRefused = true;
        throw new Error('disk I/O error');
      });
      await expect(database.read(async () => 1)).rejects.toThrow('disk I/O error');
      expect(await database.read(async () => 2)).toBe(2);
      expect(await database.readOne(async () => 3)).toBe(3);
      await database.close();
    });
  }
});
