import type { Drive } from '../../drive/drive.js';
import { Listing } from '../../drive/listing.js';
import { numberedName } from '../../drive/names.js';
import type { Resource } from '../../drive/resource.js';
import { turns } from '../../drive/turns.js';
import type { ZipSource } from './write-zip.js';

/** Members after which others have a turn: each takes two statements. */
const STEP_MEMBERS = 50;

/** What lies at and below some resources, for a ZIP file with these at its top. */
export async function* filesIn(drive: Drive, tops: readonly Resource[]): AsyncGenerator<ZipSource, void, undefined> {
  const taken = new Set<string>();
  for (const top of tops) {
    await turns.next();
    const name = freeIn(taken, top);
    const own = await sourceOf(drive, top, name);
    if (own) yield own;
    if (!top.isCollection) continue;
    const listing = new Listing(top, { isDeep: true });
    for (;;) {
      const page = await drive.read((snapshot) => listing.next(snapshot, STEP_MEMBERS));
      if (!page) break;
      await turns.next();
      for (const resource of page) {
        const inner = resource.path.slice(top.path.length).map(plain);
        const source = await sourceOf(drive, resource, [name, ...inner].join('/'));
        if (source) yield source;
      }
    }
  }
}

/** Two files of one name, from two folders, get a number. */
function freeIn(taken: Set<string>, { name, isCollection }: Resource): string {
  const wish = plain(name);
  let free = wish;
  for (let number = 2; taken.has(free); number++) free = numberedName(wish, isCollection, String(number));
  taken.add(free);
  return free;
}

/** Windows takes a backslash for a slash, and `..\\` for a way out of the folder that a ZIP file is unpacked in. */
function plain(name: string): string {
  return name.replaceAll('\\', '\uff3c');
}

/** A file as it is now, when its turn comes; null where it was deleted since. */
async function sourceOf(drive: Drive, resource: Resource, name: string): Promise<ZipSource | null> {
  const { isCollection, modified, node } = resource;
  if (isCollection) {
    return { name: `${name}/`, isFolder: true, modified, size: 0, open: async () => new Uint8Array() };
  }
  const file = await drive.read((snapshot) => snapshot.findFile(node!.id));
  if (!file) return null;
  const { content } = file;
  const open = async () => (content.size === 0 ? new Uint8Array() : drive.open(content));
  return { name, isFolder: false, modified: file.node.modified, size: content.size, open };
}
