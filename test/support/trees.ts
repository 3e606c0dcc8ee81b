import { createCipheriv, createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Fetch } from './server-fetch.js';

/** Relative path → content; a folder is a path with a slash at the end and no content. */
export type Tree = Map<string, Buffer>;

/** Bytes that a seed determines and that no compression shortens; a longer length begins with a shorter one. */
export function seededBytes(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Names that clients encode in different ways, one of them on the way to each tenth file. */
const hardNames = ['plain', 'with space', 'über', 'a#b', 'c&d', 'e+f', '100%25', 'g;h=i', "it's (1)", '日本'];

/** A tree of `fileCount` files in nested folders with hard names, sizes from 0 to about 40 KB. */
export function makeTree(seed: string, fileCount: number): Tree {
  const tree: Tree = new Map();
  for (let number = 0; number < fileCount; number++) {
    const name = hardNames[number % hardNames.length];
    const folder = `${name} ${Math.floor(number / 100)}/`;
    tree.set(folder, Buffer.alloc(0));
    const size = number % 7 === 0 ? 0 : (number * 7919) % (number % 5 === 0 ? 40_000 : 3_000);
    tree.set(`${folder}${name}-${number}.bin`, seededBytes(`${seed}/${number}`, size));
  }
  return tree;
}

/** Writes a tree below a folder; each file gets a whole-second modification time in the past, another for each. */
export async function writeTree(tree: Tree, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  let seconds = Date.UTC(2020, 0, 2) / 1000;
  for (const [name, content] of tree) {
    const place = path.join(folder, name);
    await mkdir(name.endsWith('/') ? place : path.dirname(place), { recursive: true });
    if (name.endsWith('/')) continue;
    await writeFile(place, content);
    seconds += 86_461;
    await utimes(place, seconds, seconds);
  }
}

export async function readTree(folder: string): Promise<Tree> {
  const tree: Tree = new Map();
  for (const found of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const place = path.join(found.parentPath, found.name);
    const name = path.relative(folder, place).split(path.sep).join('/');
    if (found.isDirectory()) tree.set(`${name}/`, Buffer.alloc(0));
    else tree.set(name, await readFile(place));
  }
  return tree;
}

/** The hrefs of a multi-status answer, each with whether it is a collection. */
function parseMultistatus(xml: string): { href: string; isCollection: boolean }[] {
  return xml
    .split(/<(?:\w+:)?response[\s>]/)
    .slice(1)
    .map((part) => ({
      href: (/<(?:\w+:)?href>([^<]*)</.exec(part)?.[1] ?? '').replaceAll('&amp;', '&').replaceAll('&apos;', "'"),
      isCollection: /<(?:\w+:)?collection[\s/>]/.test(part),
    }));
}

/** Reads everything below a collection with PROPFIND and GET. `address` ends with a slash. */
export async function readTreeOverHttp(address: string, authorization: string, from: Fetch = fetch): Promise<Tree> {
  const tree: Tree = new Map();
  const pathOf = (url: string) => decodeURIComponent(new URL(url).pathname);
  const base = pathOf(address);
  const visit = async (url: string): Promise<void> => {
    const listing = await from(url, { method: 'PROPFIND', headers: { authorization, depth: '1' } });
    if (listing.status !== 207) throw new Error(`PROPFIND ${url} answered ${listing.status}`);
    for (const { href, isCollection } of parseMultistatus(await listing.text())) {
      const target = new URL(href, url).href;
      const name = pathOf(target).slice(base.length);
      if (pathOf(target) === pathOf(url)) continue;
      if (isCollection) {
        tree.set(name, Buffer.alloc(0));
        await visit(target);
      } else {
        tree.set(name, await readOverHttp(target, authorization, from));
      }
    }
  };
  await visit(address);
  return tree;
}

/** GET, which must answer 200. */
export async function readOverHttp(url: string, authorization: string, from: Fetch = fetch): Promise<Buffer> {
  const answer = await from(url, { headers: { authorization } });
  const content = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200) throw new Error(`GET ${url} answered ${answer.status}: ${content.toString('utf8')}`);
  return content;
}

/** Every difference between two trees, one sentence each; empty where they are equal byte for byte. */
export function compareTrees(expected: Tree, actual: Tree): string[] {
  const differences: string[] = [];
  for (const [name, content] of expected) {
    const found = actual.get(name);
    if (found === undefined) differences.push(`${name} is missing`);
    else if (!found.equals(content)) differences.push(`${name} differs: ${content.length} bytes, now ${found.length}`);
  }
  for (const name of actual.keys()) if (!expected.has(name)) differences.push(`${name} should not be there`);
  return differences;
}

/** The files of a tree whose modification times differ by a second or more between two folders. */
export async function compareTimes(tree: Tree, first: string, second: string): Promise<string[]> {
  const different: string[] = [];
  for (const name of tree.keys()) {
    if (name.endsWith('/')) continue;
    const [a, b] = await Promise.all([first, second].map((folder) => stat(path.join(folder, name))));
    if (Math.floor(a!.mtimeMs / 1000) !== Math.floor(b!.mtimeMs / 1000)) different.push(name);
  }
  return different;
}

/** Throws where two contents differ. (vitest's own comparison takes seconds for a few megabytes.) */
export function checkSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const first = expected.findIndex((byte, index) => actual[index] !== byte);
  const where = first === -1 ? expected.length : first;
  throw new Error(`${expected.length} bytes expected, ${actual.length} found, the first difference at ${where}`);
}
