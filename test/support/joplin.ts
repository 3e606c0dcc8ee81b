import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { mustRun } from './run-program.js';
import { seededBytes, type Tree } from './trees.js';

// scripts/joplin.js installs it; `npm test` runs that.
const program = fileURLToPath(new URL('../clients/joplin/node_modules/joplin/main.js', import.meta.url));
/** Joplin's number for the kind of target that WebDAV is. */
const WEBDAV = '6';

export interface JoplinTarget {
  /** The address of a collection that is there. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** One line of Joplin's command line; no word has a double quote or a backslash. */
export type JoplinCommand = readonly [name: string, ...parameters: string[]];

/** A profile of Joplin: what its user would call a device. */
export class JoplinDevice {
  readonly #folder: string;
  readonly #profile: string;
  /** Each start of Joplin takes seconds: the settings are made together with the first commands. */
  #settings: JoplinCommand[];
  #batches = 0;

  /** A new device that keeps everything below `folder`, for `target` and with further settings of Joplin. */
  constructor(folder: string, target: JoplinTarget, settings: Record<string, string> = {}) {
    this.#folder = folder;
    this.#profile = path.join(folder, 'profile');
    const all = {
      'sync.target': WEBDAV,
      [`sync.${WEBDAV}.path`]: target.url,
      [`sync.${WEBDAV}.username`]: target.user,
      [`sync.${WEBDAV}.password`]: target.password,
      ...settings,
    };
    this.#settings = Object.entries(all).map(([name, value]) => ['config', name, value]);
  }

  /** Runs commands one after the other in one process of Joplin; throws where one of them fails. */
  async run(...commands: JoplinCommand[]): Promise<string> {
    this.#batches++;
    const batch = path.join(this.#folder, `batch-${this.#batches}.txt`);
    await mkdir(this.#profile, { recursive: true });
    const all = [...this.#settings, ...commands];
    await writeFile(batch, all.map((words) => words.map((word) => `"${word}"`).join(' ')).join('\n'));
    const parameters = [program, '--profile', this.#profile, 'batch', batch];
    // Joplin says what happened in the language of LANG, and locks a profile by a file in TMPDIR.
    const environment = { LANG: 'en_GB.UTF-8', LC_ALL: 'en_GB.UTF-8', TMPDIR: this.#folder };
    const output = await mustRun(process.execPath, parameters, { environment, timeoutSeconds: 300 });
    this.#settings = [];
    // A synchronisation that failed, or some part of it, is a sentence of Joplin's and not an exit code.
    const syncs = commands.filter(([name]) => name === 'sync').length;
    const completed = output.match(/Completed: /g)?.length ?? 0;
    if (completed < syncs || /error/i.test(output)) throw new Error(`Joplin says: ${output}`);
    return output;
  }

  /** Runs commands, then synchronises. */
  sync(...commands: JoplinCommand[]): Promise<string> {
    return this.run(...commands, ['sync']);
  }

  /**
   * What the device holds: `NOTEBOOK/TITLE.md` for each note, with `conflict: ` before where Joplin keeps it as one, and
   * `attachments/NAME`. Links to attachments have the name in place of Joplin's id, which another device chose.
   */
  async read(): Promise<Tree> {
    const database = new Database(path.join(this.#profile, 'database.sqlite'), { readonly: true });
    try {
      const resources = database.prepare('SELECT id, title, file_extension FROM resources').all() as ResourceRow[];
      const notes = database
        .prepare(
          `SELECT notes.title, body, is_conflict, folders.title AS notebook
           FROM notes LEFT JOIN folders ON folders.id = notes.parent_id WHERE notes.deleted_time = 0`,
        )
        .all() as NoteRow[];
      const names = new Map(resources.map(({ id, title }) => [id, title]));
      const tree: Tree = new Map();
      for (const { title, body, is_conflict, notebook } of notes) {
        const text = body.replace(/\(:\/([0-9a-f]{32})\)/g, (_link, id: string) => `(:/${names.get(id) ?? id})`);
        tree.set(`${is_conflict ? 'conflict: ' : ''}${notebook}/${title}.md`, Buffer.from(text));
      }
      for (const { id, title, file_extension } of resources) {
        const file = path.join(this.#profile, 'resources', `${id}.${file_extension}`);
        tree.set(`attachments/${title}`, await readFile(file));
      }
      return tree;
    } finally {
      database.close();
    }
  }
}

interface ResourceRow {
  id: string;
  title: string;
  file_extension: string;
}

interface NoteRow {
  title: string;
  body: string;
  is_conflict: number;
  notebook: string;
}

const titles = ['plain', 'with space', 'über', 'a#b', 'c&d', 'e+f', '100%25', 'g;h=i', '(1)', '日本'];

/** Notes as `JoplinDevice.read` names them, fifty to a notebook, from no text at all to about 20 KB of it. */
export function makeNotes(seed: string, count: number): Tree {
  const notes: Tree = new Map();
  for (let number = 0; number < count; number++) {
    const title = `${titles[number % titles.length]} ${number}`;
    const size = number % 11 === 0 ? 0 : (number * 7919) % (number % 5 === 0 ? 15_000 : 1_500);
    const letters = seededBytes(`${seed}/${number}`, size).toString('base64').replace(/.{72}/g, '$&\n');
    const text = size === 0 ? '' : `# ${title}\n\nü e\u0301 👩‍🚀 <b>&amp;</b>\n\n${letters}.`;
    notes.set(`book ${Math.floor(number / 50)}/${title}.md`, Buffer.from(text));
  }
  return notes;
}
