import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
const LINES_MAX = 400;

/**
 * ARCHITECTURE "Arrows": from a part to those that its files may import. A part is a folder of `src/`, or a file of its
 * own there. Everything may import `stores`, which imports nothing.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  // Tells V8 how to use memory before anything else is loaded.
  'main.ts': ['nursery.ts', 'serve.ts'],
  'serve.ts': ['server.ts', 'first-start.ts', 'config.ts'],
  'cli.ts': ['admin', 'server.ts', 'config.ts'],
  // First administrator and drive: what the command line would do, said to the operator who starts the server.
  'first-start.ts': ['accounts', 'engines', 'config.ts'],
  // The wiring makes what the others are handed: the authenticator of `accounts`, the parts of `drive`.
  'server.ts': ['http', 'metrics', 'cloud', 'console', 'admin', 'jobs', 'engines', 'accounts', 'drive', 'config.ts'],
  'nursery.ts': [],
  'config.ts': [],
  // A refusal with its HTTP status; those who answer by HTTP throw it.
  'http-error.ts': [],
  // What HTTP and the console both answer in is the protocol's: errors, multistatus, OPTIONS.
  http: ['http-error.ts', 'dav', 'cloud', 'console', 'accounts', 'drive', 'metrics'],
  // Asks every part for its numbers; no part knows that they are asked for.
  metrics: ['accounts', 'drive', 'jobs'],
  // What ownCloud and Nextcloud have beside WebDAV; their trees are answered by `dav`.
  cloud: ['http-error.ts', 'dav', 'accounts', 'drive'],
  dav: ['http-error.ts', 'accounts', 'drive'],
  // A command opens the data beside a running server, so `open-engines.ts` is its wiring, and some run a job by hand.
  admin: ['accounts', 'drive', 'engines', 'jobs', 'config.ts'],
  // Its downloads and resumable uploads are those of the protocol, by a session in the place of Basic.
  // Imports are started and watched there too.
  console: ['http-error.ts', 'dav', 'accounts', 'drive', 'jobs'],
  jobs: ['accounts', 'drive'],
  drive: [],
  accounts: [],
  engines: [],
  stores: [],
};
/**
 * What the outside may import of `engines`: the switch, the claim on a storage folder, its key, what the command line
 * needs to copy one back, and the errors of one that can't be opened.
 */
const ENGINE_DOORS = [
  'engines/open-engines.ts',
  'engines/storage-copy.ts',
  'engines/storage-key.ts',
  'engines/storage-format.ts',
  'engines/sqlite/storage-claim.ts',
  'engines/sql/migrate.ts',
];

/** Which parts may import a library; the others go without it. */
const LIBRARIES: readonly { readonly name: RegExp; readonly where: readonly string[] }[] = [
  { name: /^@?koa\b/, where: ['http', 'console'] },
  { name: /^(better-sqlite3|kysely|pg)\b/, where: ['engines'] },
  { name: /^@aws-sdk\//, where: ['engines'] },
  { name: /^(argon2|otpauth|@simplewebauthn\/server)$/, where: ['accounts'] },
  { name: /^qrcode$/, where: ['console'] },
  { name: /^nodemailer$/, where: ['accounts'] },
  { name: /^saxes$/, where: ['dav', 'jobs'] },
  { name: /^prom-client$/, where: ['metrics'] },
  { name: /^commander$/, where: ['admin', 'cli.ts'] },
];

/** STYLE "Names": words that say nothing. */
const EMPTY_WORDS = ['item', 'entry', 'object', 'handler', 'manager', 'helper', 'util', 'utils', 'misc'];

interface SourceFile {
  /** From `src/`, with slashes. */
  readonly name: string;
  readonly part: string;
  readonly text: string;
  /** As written: `./x.js`, `koa`, `node:fs`. */
  readonly imports: readonly string[];
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name): SourceFile => {
    const text = readFileSync(path.join(SRC, name), 'utf8');
    const slashed = name.split(path.sep).join('/');
    return { name: slashed, part: slashed.split('/')[0]!, text, imports: importsOf(text) };
  });

/** Static, dynamic and re-exporting; type imports count too, since they tie as well. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found = code.matchAll(/(?:^|[;}\s])(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g);
  return [...found].map((match) => match[2]!);
}

/** The source file that a relative import leads to, from `src/`; null for a library. */
function targetOf(file: SourceFile, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return path.posix.join(path.posix.dirname(file.name), specifier).replace(/\.js$/, '.ts');
}

function partOf(name: string): string {
  return name.split('/')[0]!;
}

/** The console's pages are a program of their own, for the browser. */
const isBrowserCode = ({ name }: SourceFile) => name.startsWith('console/web/') || name.startsWith('console/client/');
const serverFiles = files.filter((file) => !isBrowserCode(file));

describe('ARCHITECTURE "Arrows" — the arrows', () => {
  test('the imports are found at all', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(
      importsOf(`import { a } from './a.js';\nimport './b.js';\nexport * from "./c.js";\nawait import('d');`),
    ).toEqual(['./a.js', './b.js', './c.js', 'd']);
    expect(importsOf(`import {\n  type A,\n} from '../a.js';\n// from './no.js'\n/* import './no.js' */`)).toEqual([
      '../a.js',
    ]);
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

  test('engines are reached by the switch alone', () => {
    const wrong = files
      .filter(({ part }) => part !== 'engines')
      .flatMap((file) =>
        file.imports
          .map((specifier) => targetOf(file, specifier))
          .filter((target) => target !== null && partOf(target) === 'engines' && !ENGINE_DOORS.includes(target))
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

  test('HTTP is unknown to the rules of a drive, to accounts and to the engines', () => {
    const wrong = files
      .filter(({ part }) => ['stores', 'drive', 'accounts', 'engines'].includes(part))
      .filter(({ imports }) => imports.some((specifier) => /^node:https?2?$/.test(specifier)))
      .map(({ name }) => name);
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
