import { loadDrives } from '../drives.js';
import { addBelonging, csrfHeaders, refreshSession } from '../session.js';
import { Store } from '../store.js';
import { toast } from '../ui/toasts.js';
import { browserMemory, sendByXhr } from './browser-upload.js';
import type { Picked } from './dropped-files.js';
import { makeFolder, uploadAddress } from './file-api.js';
import { joinPath } from './file-paths.js';
import { text } from './texts.js';
import type { SendUpload, UploadMeans } from './tus-upload.js';
import { UploadQueue } from './upload-queue.js';
import { haveUploadsBegun } from './uploads-begun.js';

const AT_ONCE = 3;
/** Large enough that the answers in between cost nothing, small enough that little is sent twice. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const RESTS_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];
const DRAWN_EVERY_MS = 100;

/** Goes on whatever page is looked at. */
export const uploads = new UploadQueue(AT_ONCE);
/** Counts what changed, a few times a second at most. */
export const uploadChanges = new Store(0);

let isStarted = false;

/** Uploads what was chosen or dropped to a folder. */
export async function uploadTo(driveId: number, folder: string, { files, emptyFolders }: Picked): Promise<void> {
  start();
  const sources = files.map(({ file, folders }) => ({
    content: file,
    folder,
    name: [...folders, file.name].join('/'),
    modifiedMs: file.lastModified,
  }));
  uploads.add(sources, meansFor(driveId));
  for (const names of emptyFolders) {
    // There already: just as well.
    await makeFolder(driveId, names.reduce(joinPath, folder)).catch(() => {});
  }
}

export function warnOfUnreadable(name: string): void {
  toast({ text: text.unreadableDropped(name), isBad: true });
}

function meansFor(driveId: number): UploadMeans {
  return {
    address: uploadAddress(driveId),
    send,
    csrfToken: () => csrfHeaders()['X-CSRF-Token'] ?? '',
    memory: browserMemory,
    chunkBytes: CHUNK_BYTES,
    lossRestsMs: RESTS_MS,
    busyRestsMs: [...RESTS_MS],
  };
}

const send: SendUpload = async (request) => {
  const answer = await sendByXhr(request);
  // The session ended, or is another's: the page has to learn of it.
  if (answer.status === 401 || answer.status === 403) await refreshSession().catch(() => {});
  return answer;
};

function start(): void {
  if (isStarted) return;
  isStarted = true;
  addEventListener('online', () => uploads.wake());
  addEventListener('beforeunload', (event) => uploads.totals().busyFiles > 0 && event.preventDefault());
  addBelonging({
    isUnderWay: () => uploads.totals().busyFiles > 0,
    giveUp: () => uploads.cancelAll(),
    drop: () => uploads.dropAll(),
  });
  uploads.onChange(seldom(() => uploadChanges.set(uploadChanges.value + 1), DRAWN_EVERY_MS));
  uploads.onDone(seldom(() => void loadDrives(), 2000));
  haveUploadsBegun.set(true);
}

/** Calls at most once in a while, and never misses the last. */
export function seldom(work: () => void, everyMs: number): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      work();
    }, everyMs);
  };
}
