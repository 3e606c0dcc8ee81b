/** A file that was chosen or dropped, and the folders it lay in: `['photos', '2024']`. */
export interface PickedFile {
  readonly file: File;
  readonly folders: readonly string[];
}
export interface Picked {
  readonly files: readonly PickedFile[];
  /** Folders without a file in them or below. */
  readonly emptyFolders: readonly (readonly string[])[];
}

/** What of the File and Directory Entries API is used here (https://wicg.github.io/entries-api/). */
export interface DroppedNode {
  readonly isDirectory: boolean;
  readonly name: string;
}
interface DroppedFile extends DroppedNode {
  file(onFile: (file: File) => void, onError: (error: unknown) => void): void;
}
interface DroppedFolder extends DroppedNode {
  createReader(): {
    readEntries(onNodes: (nodes: DroppedNode[]) => void, onError: (error: unknown) => void): void;
  };
}

/** Reads whole folders. A file that can't be read is left out and counted by `onUnreadable`. */
export async function walkDropped(
  nodes: readonly DroppedNode[],
  onUnreadable: (name: string) => void = () => {},
): Promise<Picked> {
  const files: PickedFile[] = [];
  const emptyFolders: (readonly string[])[] = [];
  const walk = async (node: DroppedNode, folders: readonly string[]): Promise<void> => {
    try {
      if (!node.isDirectory) {
        files.push({ file: await fileOf(node as DroppedFile), folders });
        return;
      }
      const inside = [...folders, node.name];
      const members = await membersOf(node as DroppedFolder);
      if (members.length === 0) emptyFolders.push(inside);
      for (const member of members) await walk(member, inside);
    } catch {
      onUnreadable(node.name);
    }
  };
  for (const node of nodes) await walk(node, []);
  return { files, emptyFolders };
}

/** From `<input type="file">`, also one that takes a folder: then each file knows its path. */
export function pickedFrom(list: Iterable<File>): Picked {
  const files = [...list].map((file) => {
    const { webkitRelativePath = '' } = file as { webkitRelativePath?: string };
    return { file, folders: webkitRelativePath.split('/').slice(0, -1) };
  });
  return { files, emptyFolders: [] };
}

function fileOf(node: DroppedFile): Promise<File> {
  return new Promise((resolve, reject) => node.file(resolve, reject));
}

/** Chromium gives at most 100 a time: an empty answer is the end. */
async function membersOf(folder: DroppedFolder): Promise<DroppedNode[]> {
  const reader = folder.createReader();
  const all: DroppedNode[] = [];
  for (;;) {
    const some = await new Promise<DroppedNode[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
