import { describe, expect, test } from 'vitest';
import { type DroppedNode, pickedFrom, walkDropped } from '../../../src/console/web/files/dropped-files.js';

const file = (name: string, isReadable = true) => ({
  name,
  isDirectory: false,
  file: (onFile: (file: File) => void, onError: (error: unknown) => void) =>
    isReadable ? onFile(new File(['x'], name)) : onError(new Error('gone')),
});
/** Gives its members 100 at a time, as Chromium does. */
const folder = (name: string, members: readonly DroppedNode[]) => ({
  name,
  isDirectory: true,
  createReader: () => {
    let at = 0;
    return {
      readEntries: (onNodes: (nodes: DroppedNode[]) => void) => {
        onNodes(members.slice(at, at + 100));
        at += 100;
      },
    };
  },
});

describe('whole folders are dropped', () => {
  test('every file of a tree is found with its folders, also beyond the first hundred', async () => {
    const many = Array.from({ length: 250 }, (_, at) => file(`p${at}`));
    const { files, emptyFolders } = await walkDropped([
      file('loose.txt'),
      folder('photos', [folder('2024', many), file('cover.jpg'), folder('nothing', [])]),
    ]);
    expect(files.length).toBe(252);
    expect(files[0]).toMatchObject({ folders: [], file: { name: 'loose.txt' } });
    expect(files.filter(({ folders }) => folders.join('/') === 'photos/2024').length).toBe(250);
    expect(files.at(-1)).toMatchObject({ folders: ['photos'], file: { name: 'cover.jpg' } });
    expect(emptyFolders).toEqual([['photos', 'nothing']]);
  });

  test('what can not be read is named, and the rest comes', async () => {
    const unreadable: string[] = [];
    const { files } = await walkDropped([folder('d', [file('a', false), file('b')])], (name) => unreadable.push(name));
    expect([files.map((picked) => picked.file.name), unreadable]).toEqual([['b'], ['a']]);
  });

  test('a folder chosen by button brings its folders, too', () => {
    const chosen = Object.assign(new File(['x'], 'sea.jpg'), { webkitRelativePath: 'photos/2024/sea.jpg' });
    expect(pickedFrom([chosen, new File(['x'], 'loose')]).files.map(({ folders }) => folders)).toEqual([
      ['photos', '2024'],
      [],
    ]);
  });
});
