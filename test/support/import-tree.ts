import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { checkSameBytes, seededBytes } from './trees.js';

export interface ImportTree {
  readonly folder: string;
  /** Paths of its files, with slashes. */
  readonly files: string[];
  readonly bytes: number;
}

export interface TreeSize {
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
}

/** Names that clients and servers encode in different ways. */
const NAMES = ['plain', 'with space', 'über', 'a#b', 'c&d', 'e+f', '100%25', 'g;h=i', "it's (1)", '日本', 'cost $& $1'];
/** One file in so many is large; half of all bytes are in those. */
const LARGE_EVERY = 250;
const FIRST_SECOND = Date.UTC(2015, 3, 5, 6, 7, 8) / 1000;

/** Writes a tree of folders two deep, each file with a date of its own in whole seconds. */
export async function writeImportTree(folder: string, size: TreeSize): Promise<ImportTree> {
  const files: string[] = [];
  const large = Math.ceil(size.files / LARGE_EVERY);
  const largeBytes = Math.floor(size.bytes / 2 / large);
  const smallBytes = Math.floor(size.bytes / 2 / (size.files - large));
  const pool = seededBytes('import', Math.max(largeBytes, 2 * smallBytes) + 4096);
  let bytes = 0;
  for (let number = 0; number < size.files; number++) {
    const inner = number % size.folders;
    const name = NAMES[number % NAMES.length]!;
    // Below one of ten folders, or one of these itself.
    const place = inner < 10 ? `top ${inner}` : `top ${inner % 10}/${NAMES[inner % NAMES.length]} ${inner}`;
    const file = `${place}/${name}-${number}.bin`;
    const length = number % LARGE_EVERY === 0 ? largeBytes : number % 50 === 1 ? 0 : (number * 7919) % (2 * smallBytes);
    await mkdir(path.join(folder, place), { recursive: true });
    // Another piece of the pool for each, so that no two contents are the same.
    await write(folder, file, pool.subarray(number % 4096, (number % 4096) + length), number);
    files.push(file);
    bytes += length;
  }
  return { folder, files, bytes };
}

/** 20 new, 20 changed, 10 changed with their size as before; and 5 deleted. Gives the tree as it is then. */
export async function changeImportTree({ folder, files }: ImportTree): Promise<ImportTree> {
  const pick = (from: number) => files.filter((_, index) => index % LARGE_EVERY !== 0).slice(from);
  const deleted = pick(0).slice(0, 5);
  for (const file of deleted) await rm(path.join(folder, file));
  for (const [index, file] of pick(10).slice(0, 20).entries()) {
    await write(folder, file, seededBytes(`changed ${index}`, 1000 + index), 500_000 + index);
  }
  for (const [index, file] of pick(40).slice(0, 10).entries()) {
    const { size } = await stat(path.join(folder, file));
    await write(folder, file, seededBytes(`same size ${index}`, size), 600_000 + index);
  }
  const added = Array.from({ length: 20 }, (_, index) => `top ${index % 10}/new ${index}.bin`);
  for (const [index, file] of added.entries()) {
    await write(folder, file, seededBytes(file, 2000), 700_000 + index);
  }
  const now = [...files.filter((file) => !deleted.includes(file)), ...added];
  const sizes = await Promise.all(now.map(async (file) => (await stat(path.join(folder, file))).size));
  return { folder, files: now, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Throws where a file that `read` gives has other bytes or another second than that of the tree. */
export async function checkImported(
  { folder, files }: ImportTree,
  read: (file: string) => Promise<{ bytes: Buffer; modified: number }>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < files.length) {
      const file = files[next++]!;
      const [expected, { mtimeMs }] = await Promise.all([
        readFile(path.join(folder, file)),
        stat(path.join(folder, file)),
      ]);
      const { bytes, modified } = await read(file);
      try {
        checkSameBytes(bytes, expected);
      } catch (cause) {
        throw new Error(`${file} differs`, { cause });
      }
      if (Math.floor(modified / 1000) !== Math.floor(mtimeMs / 1000)) {
        throw new Error(`${file} is of ${new Date(modified).toISOString()}, not ${new Date(mtimeMs).toISOString()}`);
      }
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
}

/** The forms in which a password might lie in a file or a log. */
export function tracesOf(user: string, password: string): string[] {
  const pair = `${user}:${password}`;
  return [
    password,
    encodeURIComponent(password),
    encodeURI(password),
    password.replaceAll(' ', '+'),
    Buffer.from(pair).toString('base64'),
    Buffer.from(password).toString('base64'),
    Buffer.from(password).toString('hex'),
    createHash('md5').update(password).digest('hex'),
  ];
}

async function write(folder: string, file: string, bytes: Uint8Array, number: number): Promise<void> {
  const place = path.join(folder, file);
  const seconds = FIRST_SECOND + number * 61;
  await writeFile(place, bytes);
  await utimes(place, seconds, seconds);
}
