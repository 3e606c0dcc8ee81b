import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { build } from 'vite';
import { onTestFinished } from 'vitest';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { runProgram } from './run-program.js';

export const MIGRATIONS = readMigrations(fileURLToPath(new URL('../../migrations/sqlite', import.meta.url)));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A path for a database in a folder that goes when the test has ended. */
export async function temporaryFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-sqlite-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'firn.db');
}

/** Another connection to the file, as another program would have it; closed at the end of the test. */
export function openRaw(path: string): Database.Database {
  const database = new Database(path, { timeout: 0 });
  onTestFinished(() => {
    database.close();
  });
  return database;
}

/** How many commits the write-ahead log holds: frames that carry the database's size end one each. */
export function commitsInLog(path: string): number {
  const log = readFileSync(`${path}-wal`);
  const HEADER = 32;
  const pageSize = log.readUInt32BE(8);
  let commits = 0;
  for (let at = HEADER; at + 24 + pageSize <= log.length; at += 24 + pageSize) {
    if (log.readUInt32BE(at + 4) !== 0) commits++;
  }
  return commits;
}

/** Runs JavaScript, which finds better-sqlite3 as `Database` and the words after it as `words`, in a process of its own. */
export async function runScript(script: string, ...words: string[]): Promise<void> {
  const text = `import Database from 'better-sqlite3'; const words = process.argv.slice(1); ${script}`;
  const result = await runProgram(process.execPath, ['--input-type=module', '-e', text, '--', ...words], {
    folder: ROOT,
  });
  if (result.code !== 0) throw new Error(result.errors);
}

/** A source file with all that it imports of Firn as one JavaScript module, for a process of its own. Gives its path. */
export async function bundle(source: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-bundle-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await build({
    root: ROOT,
    logLevel: 'error',
    configFile: false,
    build: {
      ssr: join(ROOT, source),
      outDir: folder,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: 'bundle.mjs' } },
    },
  });
  return join(folder, 'bundle.mjs');
}
