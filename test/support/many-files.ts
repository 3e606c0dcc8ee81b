import type { MetadataStore } from '../../src/stores/metadata-store.js';
import type { NodeId } from '../../src/stores/values.js';
import { contentOf } from '../conformance/metadata-fixture.js';

const TOGETHER = 500;

/** Puts empty files into a folder, `file 0` and so on, many to a transaction. */
export async function insertEmptyFiles(metadata: MetadataStore, folderId: NodeId, count: number): Promise<void> {
  const now = Date.now();
  for (let start = 0; start < count; start += TOGETHER) {
    await metadata.write([], async (transaction) => {
      const [folder] = await transaction.findNodes([folderId]);
      const content = contentOf('');
      await transaction.putContent(content, now);
      for (let number = start; number < Math.min(start + TOGETHER, count); number++) {
        const place = { driveId: folder!.driveId, parentId: folderId, name: `file ${number}` };
        await transaction.insertNode({ ...place, content, modified: now, created: now }, now);
      }
    });
  }
}
