import type { ContentRow } from '../stores/metadata-store.js';
import type { Contents } from './contents.js';
import type { Drive } from './drive.js';
import type { DrivePath } from './names.js';

/**
 * All digests of the content that a file was found to have. Reads it through where some aren't known yet, and keeps them
 * unless the file has another content by then. Rejects with the signal's reason.
 */
export async function completeDigests(
  drive: Drive,
  contents: Contents,
  path: DrivePath,
  content: ContentRow,
  signal: AbortSignal,
): Promise<ContentRow> {
  if (content.sha1 !== undefined && content.md5 !== undefined) return content;
  const digests = await contents.digestsOf(content, signal);
  await drive.write(async (transaction) => {
    const found = await transaction.find(path, { withContent: true });
    if (found.content?.id === content.id) await transaction.store.noteDigests(found.content, digests);
  });
  return { ...content, ...digests };
}
