import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readSourceTrees, type SourceTree, typeCheckedFiles } from './support/source-trees.js';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
const LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

/**
 * ARCHITECTURE "Arrows": from a part to those that its files may import. A part is a folder of `src/`, or a file of its
 * own there. Everything may import `stores`, which imports nothing.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  // Tells V8 how to use memory before anything else is loaded.
  'main.ts': ['nursery.ts', 'serve.ts'],
  'serve.ts': ['server.ts', 'workers', 'first-start.ts', 'config.ts'],
  'cli.ts': ['admin'],
  // First administrator and drive: what the command line would do, said to the operator who starts the server.
  'first-start.ts': ['accounts', 'parts.ts'],
  // The wiring makes what the others are handed: the engines and the parts of `drive`, for everybody …
  'parts.ts': ['accounts', 'drive', 'engines', 'jobs', 'config.ts'],
  // … and for a server the jobs and what answers requests.
  'server.ts': ['answering.ts', 'background.ts', 'cluster', 'parts.ts', 'config.ts'],
  'background.ts': ['jobs', 'accounts', 'parts.ts', 'config.ts'],
  'answering.ts': ['app-parts.ts', 'http', 'metrics', 'accounts', 'drive', 'parts.ts'],
  // Several processes: one does what `background.ts` is, the others what `answering.ts` is.
  workers: [
    'server.ts',
    'answering.ts',
    'background.ts',
    'app-parts.ts',
    'metrics',
    'accounts',
    'jobs',
    'parts.ts',
    'config.ts',
  ],
  'app-parts.ts': [
    'http',
    'metrics',
    'cloud',
    'cluster',
    'console',
    'jobs',
    'accounts',
    'drive',
    'parts.ts',
    'config.ts',
  ],
  'nursery.ts': [],
  'config.ts': ['config'],
  config: [],
  // A refusal with its HTTP status; those who answer by HTTP throw it.
  'http-error.ts': [],
  // What HTTP and the console both answer in is the protocol's: errors, multistatus, OPTIONS.
  http: ['http-error.ts', 'dav', 'cloud', 'console', 'accounts', 'drive', 'metrics'],
  // Asks every part for its numbers; no part knows that they are asked for.
  metrics: ['accounts', 'drive', 'jobs'],
  // What ownCloud and Nextcloud have beside WebDAV; their trees are answered by `dav`.
  cloud: ['http-error.ts', 'dav', 'accounts', 'drive'],
  dav: ['http-error.ts', 'drive'],
  // A command opens the data beside a running server, and some run a job by hand.
  admin: ['accounts', 'drive', 'jobs', 'cluster', 'parts.ts', 'config.ts'],
  // Its downloads and resumable uploads are those of the protocol, by a session in place of Basic.
  // Imports are started and watched there too.
  console: ['dav', 'accounts', 'drive', 'jobs', 'cluster'],
  // What servers on one database know of each other.
  cluster: ['metrics'],
  jobs: ['accounts', 'drive'],
  drive: [],
  accounts: [],
  engines: [],
  stores: [],
};
/** The one file that opens engines, and the one of theirs that it knows. */
const ENGINE_DOOR = { from: 'parts.ts', to: 'engines/open-engines.ts' };

/** Which parts may import a library; the others go without it. */
const LIBRARIES: readonly { readonly name: RegExp; readonly where: readonly string[] }[] = [
  { name: /^@?koa\b/, where: ['http'] },
  { name: /^(better-sqlite3|kysely|pg)\b/, where: ['engines'] },
  { name: /^(argon2|otpauth|@simplewebauthn\/server)$/, where: ['accounts'] },
  { name: /^qrcode$/, where: ['console'] },
  { name: /^nodemailer$/, where: ['accounts'] },
  { name: /^saxes$/, where: ['dav', 'jobs', 'engines'] },
  { name: /^aws4$/, where: ['engines'] },
  { name: /^prom-client$/, where: ['metrics'] },
  { name: /^commander$/, where: ['admin'] },
];

/** What only `drive/` says: its checks of locks, and the ways from a drive, a snapshot or a transaction to the store. */
const INSIDE_THE_DRIVE =
  /\b(?:checkLocks|vacateLocks|takeUpLocks|new Snapshot)\(|\bDriveTransaction\b|\b(?:snapshot|transaction)\.(?:view|store)\b|\{ view\b|\bdrive\.(?:write|parts)\b/g;

/** STYLE "Names": words that say nothing. */
const EMPTY_WORDS = ['item', 'entry', 'object', 'handler', 'manager', 'helper', 'util', 'utils', 'misc'];

interface SourceFile {
  /** From `src/`, with slashes. */
  readonly name: string;
  readonly part: string;
  readonly text: string;
  /** As written: `./x.js`, `koa`, `node:fs`. Type imports count too, since they tie as well. */
  readonly imports: readonly string[];
}

const trees = readSourceTrees();
const treeNames = new Set(trees.map(({ name }) => name));

const files = trees
  .filter(({ name }) => name.startsWith('src/'))
  .map(({ name, imports }): SourceFile => {
    const short = name.slice('src/'.length);
    const text = readFileSync(path.join(SRC, short), 'utf8');
    return { name: short, part: partOf(short), text, imports: imports.map(({ specifier }) => specifier) };
  });

/** The source file that a relative import leads to, from the folder of the importer; null for a library. */
function targetOf({ name }: { readonly name: string }, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  const target = path.posix.join(path.posix.dirname(name), specifier);
  const isPage =
    treeNames.has(target.replace(/\.js$/, '.tsx')) || treeNames.has(`src/${target.replace(/\.js$/, '.tsx')}`);
  return target.replace(/\.js$/, isPage ? '.tsx' : '.ts');
}

function partOf(name: string): string {
  return name.split('/')[0]!;
}

/** The console's pages are a program of their own, for the browser. */
const isBrowserCode = ({ name }: { readonly name: string }) => name.startsWith('console/web/');
const serverFiles = files.filter((file) => !isBrowserCode(file));

/** What a program of the browser's may know of the server: the words that both speak. */
const isContract = (name: string) => /^console\/(contract\/[\w-]+|refusal-kind)\.ts$/.test(name);

describe('ARCHITECTURE "Arrows" — the arrows', () => {
  test('the files, their imports, exports and functions are found at all', () => {
    const named = new Map(trees.map((tree) => [tree.name, tree]));
    expect(files.length).toBeGreaterThan(300);
    expect(named.get('src/main.ts')!.imports.map(({ specifier }) => specifier)).toContain('./nursery.js');
    const { imports, exportedValues, functions } = named.get('test/support/source-trees.ts')!;
    expect(imports.find(({ specifier }) => specifier === 'node:path')!.names).toBeNull();
    expect(imports.find(({ specifier }) => specifier === 'node:url')!.names).toEqual(['fileURLToPath']);
    expect(exportedValues).toEqual(['readSourceTrees', 'typeCheckedFiles']);
    expect(functions.find(({ title }) => title.startsWith('readSourceTrees,'))!.lines).toBeGreaterThan(10);
  });

  test('every file is type-checked, by the program it belongs to', () => {
    const checked = typeCheckedFiles('tsconfig.json', 'tsconfig.web.json');
    expect(files.map(({ name }) => `src/${name}`).filter((name) => !checked.has(name))).toEqual([]);
  });

  test('every part of src/ has its place in the layout', () => {
    expect([...new Set(files.map(({ part }) => part))].filter((part) => !(part in ARROWS))).toEqual([]);
  });

  test('no file imports against the arrows', () => {
    const wrong = serverFiles.flatMap((file) => {
      const allowed = [file.part, 'stores', ...(ARROWS[file.part] ?? [])];
      return file.imports.flatMap((specifier) => {
        const target = targetOf(file, specifier);
        return target === null || allowed.includes(partOf(target)) ? [] : [`${file.name} → ${target}`];
      });
    });
    expect(wrong).toEqual([]);
  });

  test('the pages in the browser know of the server what both say to each other', () => {
    const wrong = files.filter(isBrowserCode).flatMap((file) =>
      file.imports
        .map((specifier) => targetOf(file, specifier))
        .filter((target) => target !== null && !isBrowserCode({ name: target }) && !isContract(target))
        .map((target) => `${file.name} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test('the pages take types alone of the contract: its schemas are not for the browser', () => {
    const wrong = trees
      .filter(({ name }) => name.startsWith('src/console/web/'))
      .flatMap((tree) =>
        tree.imports
          .filter(({ specifier, isTypeOnly }) => !isTypeOnly && /\/contract\//.test(specifier))
          .map(({ specifier }) => `${tree.name} → ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  test('no arrow or library is allowed that nobody uses', () => {
    const used = new Set(
      serverFiles.flatMap((file) =>
        file.imports.flatMap((specifier) => {
          const target = targetOf(file, specifier);
          if (target === null)
            return LIBRARIES.filter(({ name }) => name.test(specifier)).map(({ name }) => `${file.part} → ${name}`);
          return [`${file.part} → ${partOf(target)}`];
        }),
      ),
    );
    const allowed = [
      ...Object.entries(ARROWS).flatMap(([part, targets]) => targets.map((target) => `${part} → ${target}`)),
      ...LIBRARIES.flatMap(({ name, where }) => where.map((part) => `${part} → ${name}`)),
    ];
    expect(allowed.filter((each) => !used.has(each))).toEqual([]);
  });

  test('no circle of files that need each other to run', () => {
    const needs = new Map(
      files.map((file) => [file.name, valuesNeeded(trees.find(({ name }) => name === `src/${file.name}`)!)]),
    );
    expect(circlesOf(needs)).toEqual([]);
  });

  test('stores imports nothing of Firn but itself, and no library', () => {
    const wrong = files
      .filter(({ part }) => part === 'stores')
      .flatMap((file) =>
        file.imports
          .filter((specifier) => !specifier.startsWith('./') && !specifier.startsWith('node:'))
          .map((specifier) => `${file.name} → ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  test('engines are reached by the switch alone, from one place', () => {
    const wrong = files
      .filter(({ part }) => part !== 'engines')
      .flatMap((file) =>
        file.imports
          .map((specifier) => targetOf(file, specifier))
          .filter((target) => target !== null && partOf(target) === 'engines')
          .filter((target) => file.name !== ENGINE_DOOR.from || target !== ENGINE_DOOR.to)
          .map((target) => `${file.name} → ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  test.each(LIBRARIES)('$name only in $where', ({ name, where }) => {
    const wrong = serverFiles
      .filter((file) => !where.includes(file.part) && file.imports.some((specifier) => name.test(specifier)))
      .map((file) => file.name);
    expect(wrong).toEqual([]);
  });

  test('HTTP is unknown to the rules of a drive, to accounts and to the engines, but for the one that is reached by it', () => {
    const wrong = files
      .filter(({ part }) => ['stores', 'drive', 'accounts', 'engines'].includes(part))
      .filter(({ name }) => !name.startsWith('engines/s3/'))
      .filter(({ imports }) => imports.some((specifier) => /^node:https?2?$/.test(specifier)))
      .map(({ name }) => name);
    expect(wrong).toEqual([]);
  });

  test('others than the drive call its verbs and ask its snapshots: locks and the store are its own', () => {
    const wrong = serverFiles
      .filter(({ part }) => !['drive', 'engines', 'stores'].includes(part))
      .flatMap(({ name, text }) => [...text.matchAll(INSIDE_THE_DRIVE)].map(([words]) => `${name}: ${words}`));
    expect(wrong).toEqual([]);
  });

  test('process.env is read in config.ts alone', () => {
    const wrong = files.filter(({ name, text }) => name !== 'config.ts' && /process\.env\b/.test(text));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });
});

describe('STYLE', () => {
  const tests = readdirSync(path.dirname(fileURLToPath(import.meta.url)), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ts$/.test(name) && !name.split(path.sep).includes('node_modules'))
    .map((name) => ({
      name: `test/${name.split(path.sep).join('/')}`,
      text: readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8'),
    }));
  const all = [...files.map(({ name, text }) => ({ name: `src/${name}`, text })), ...tests];

  test(`no file has more than ${LINES_MAX} lines`, () => {
    const long = all.filter(({ text }) => text.split('\n').length - 1 > LINES_MAX).map(({ name }) => name);
    expect(long).toEqual([]);
  });

  test(`no function has more than ${FUNCTION_LINES_MAX} lines`, () => {
    const long = trees
      .filter(({ name }) => name.startsWith('src/'))
      .flatMap(({ name, functions }) =>
        functions
          .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
          .map(({ title, lines }) => `${name}: ${title}: ${lines}`),
      );
    expect(long).toEqual([]);
  });

  test('no value is exported that no other file imports', () => {
    const imported = new Set(
      trees.flatMap((file) =>
        file.imports.flatMap(({ specifier, names }) => {
          const target = targetOf(file, specifier);
          return target === null ? [] : (names ?? ['*']).map((name) => `${target}: ${name}`);
        }),
      ),
    );
    const dead = trees
      .filter(({ name }) => name.startsWith('src/') && !imported.has(`${name}: *`))
      .flatMap(({ name, exportedValues }) => exportedValues.map((value) => `${name}: ${value}`))
      .filter((each) => !imported.has(each));
    expect(dead).toEqual([]);
  });

  test('file names are kebab-case and free of words that say nothing', () => {
    const wrong = all.filter(({ name }) => {
      const stem = path.posix.basename(name).replace(/(\.test|\.d)?\.tsx?$/, '');
      return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem) || stem.split('-').some((word) => EMPTY_WORDS.includes(word));
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('the lock files name packages by their hashes, and no registry', () => {
    for (const name of ['package-lock.json', 'test/clients/joplin/package-lock.json']) {
      const text = readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
      expect(text).toMatch(/"integrity": "sha512-/);
      expect(text).not.toMatch(/"resolved": "[a-z]+:/);
    }
  });

  test('no default exports and no barrels', () => {
    const wrong = serverFiles.filter(
      ({ name, text }) => /^export default /m.test(text) || /(^|\/)index\.ts$/.test(name) || /^export \* /m.test(text),
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });
});

/** The files of `src/` that must be loaded before this one can run. */
function valuesNeeded(file: SourceTree): string[] {
  return file.imports
    .filter(({ isTypeOnly }) => !isTypeOnly)
    .flatMap(({ specifier }) => targetOf(file, specifier)?.replace(/^src\//, '') ?? []);
}

/** Groups of files from each of which each other of the group can be reached. */
function circlesOf(needs: ReadonlyMap<string, readonly string[]>): string[][] {
  const reached = new Map([...needs.keys()].map((name) => [name, reachedFrom(name, needs)]));
  const circles = [...needs.keys()]
    .filter((name) => reached.get(name)!.has(name))
    .map((name) => [...reached.get(name)!].filter((other) => reached.get(other)?.has(name)).sort());
  return [...new Map(circles.map((circle) => [circle.join(' ↔ '), circle])).values()];
}

function reachedFrom(start: string, needs: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const open = [...(needs.get(start) ?? [])];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    open.push(...(needs.get(name) ?? []));
  }
  return reached;
}
