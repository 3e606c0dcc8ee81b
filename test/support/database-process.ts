import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import type { Faults } from '../crash/rig/faults.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULE = new URL('../../dist/engines/sqlite/sqlite-database.js', import.meta.url).href;
const MIGRATIONS = readMigrations(fileURLToPath(new URL('../../migrations/sqlite', import.meta.url)));

/** A line in, a line out when it is done. */
const PROGRAM = `
  import { createInterface } from 'node:readline';
  const { SqliteDatabase } = await import(${JSON.stringify(MODULE)});
  const notices = [];
  const tell = ({ level, message }) => notices.push({ level, message });
  const options = { tell, ...JSON.parse(process.env.OPTIONS) };
  const database = SqliteDatabase.open(process.argv[1], JSON.parse(process.env.MIGRATIONS), options);
  const value = (connection) => connection.all('SELECT value FROM revision', []).then((rows) => rows[0].value);
  const FILL = 'INSERT INTO content (id, size, stored_at, bytes) VALUES (hex(randomblob(32)), 1000000, 0, randomblob(1000000))';
  const basis = { drive: 1, withContents: true };
  const start = database.commits.look();
  const deeds = {
    isAsAtStart: async () => database.commits.isSame(start, database.commits.look(), basis),
    write: () => database.write((connection) => connection.run('UPDATE revision SET value = value + 1', [])),
    fill: () => database.write((connection) => connection.run(FILL, [])),
    read: () => database.read(value),
    readOne: () => database.readOne(value),
    prove: () => database.prove(),
    empty: () => database.emptyLog(),
    trouble: async () => database.trouble(),
    notices: async () => notices,
    close: () => database.close(),
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const [id, deed] = line.split(' ');
    deeds[deed]().then((value) => ({ value: value ?? null }), (error) => ({ error: error.name }))
      .then((answer) => console.log(JSON.stringify({ id, ...answer })));
  }
`;

export interface Said {
  readonly value?: unknown;
  readonly error?: string;
}

/** The database in a process of the built program, whose calls can be slow or fail. */
export class DatabaseProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, (said: Said) => void>();
  readonly ended: Promise<unknown[]>;
  /** In the order of the answers. */
  readonly answered: string[] = [];
  #last = 0;

  /** `options`: `OpenOptions` that JSON can hold. */
  constructor(file: string, faults: Faults, options: { readonly slowSyncMs?: number } = {}) {
    const settings = { OPTIONS: JSON.stringify(options), MIGRATIONS: JSON.stringify(MIGRATIONS) };
    this.#child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, file], {
      cwd: ROOT,
      env: { ...process.env, ...faults.environment, ...settings },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const { id, ...said } = JSON.parse(line) as Said & { id: string };
      this.#waiting.get(id)!(said);
    });
    this.ended = once(this.#child, 'exit');
  }

  /** Rejects where the process ends before it has an answer. */
  async say(deed: string): Promise<Said> {
    const id = String(++this.#last);
    const answer = new Promise<Said>((resolve) => void this.#waiting.set(id, resolve));
    this.#child.stdin!.write(`${id} ${deed}\n`);
    const gone = this.ended.then(() => {
      throw new Error('the process has ended');
    });
    const said = await Promise.race([answer, gone]);
    this.answered.push(deed);
    return said;
  }

  /** Of the notices so far. */
  async levels(): Promise<string[]> {
    return ((await this.say('notices')).value as { level: string }[]).map(({ level }) => level);
  }

  /** Ends as a crash does: nothing is closed. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}
