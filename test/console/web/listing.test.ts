import { describe, expect, test } from 'vitest';
import type { FileEntry, FilesAnswer } from '../../../src/console/contract/files.js';
import { Listing } from '../../../src/console/web/files/listing.js';

const fileNamed = (name: string): FileEntry => ({
  path: `/Firn/${name}`,
  name,
  isFolder: false,
  size: 1,
  modifiedAt: '2026-01-01T00:00:00.000Z',
  etag: `"${name}"`,
  contentType: null,
  mayChange: true,
  mayAdd: false,
  trash: null,
});
const named = (count: number) => Array.from({ length: count }, (_, at) => `f${String(at).padStart(6, '0')}`);

/** A folder that pages by name, as the API does. */
class Folder {
  names: string[];
  asked: (string | null)[] = [];
  isDown = false;
  constructor(count: number) {
    this.names = named(count);
  }
  readonly page = async (after: string | null): Promise<FilesAnswer> => {
    this.asked.push(after);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isDown) throw new Error('down');
    const rest = this.names.filter((name) => after === null || name > after);
    const page = rest.slice(0, 100);
    return {
      folder: { ...fileNamed('Firn'), isFolder: true },
      members: page.map(fileNamed),
      next: rest.length > page.length ? page.at(-1)! : null,
      total: this.names.length,
    };
  };
}
const namesOf = (listing: Listing) => listing.members.map(({ name }) => name);

describe('a folder is fetched as it is looked at', () => {
  test('the first page says how long the list is; the others come when their rows are wanted', async () => {
    const folder = new Folder(1000);
    const listing = new Listing(folder.page, () => {});
    await listing.want(20);
    expect([listing.members.length, listing.count, listing.isComplete]).toEqual([100, 1000, false]);
    await Promise.all([listing.want(150), listing.want(420)]);
    expect(listing.members.length).toBe(500);
    await listing.want(300);
    expect(folder.asked.length).toBe(5);
    await listing.wantAll();
    expect(namesOf(listing)).toEqual(folder.names);
    expect([listing.count, listing.isComplete]).toEqual([1000, true]);
  });

  test('an error stops it, and a retry goes on where it was', async () => {
    const folder = new Folder(300);
    const listing = new Listing(folder.page, () => {});
    await listing.want(1);
    folder.isDown = true;
    await listing.wantAll();
    expect(listing.error).toMatchObject({ message: 'down' });
    await listing.want(250);
    expect(folder.asked.length).toBe(2);
    folder.isDown = false;
    await listing.retry();
    expect([listing.error, namesOf(listing)]).toEqual([null, folder.names]);
  });

  test('a refresh while pages come brings every name once', async () => {
    const folder = new Folder(500);
    const listing = new Listing(folder.page, () => {});
    await listing.want(1);
    const going = listing.wantAll();
    folder.names = ['a-new-one', ...folder.names.filter((name) => name !== 'f000003')];
    await Promise.all([going, listing.refresh(150), listing.wantAll()]);
    expect(namesOf(listing)).toEqual(folder.names);
  });

  test('what was deleted leaves at once', async () => {
    const folder = new Folder(250);
    const listing = new Listing(folder.page, () => {});
    await listing.want(1);
    listing.removeAll(new Set(['/Firn/f000000', '/Firn/f000007', '/Firn/f000200']));
    expect([listing.members.length, listing.count]).toEqual([98, 248]);
  });
});
