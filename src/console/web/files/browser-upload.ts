import { keepForPerson, keptForPerson } from '../session.js';
import type { SendUpload, UploadAnswer, UploadMemory } from './tus-upload.js';

/** By XMLHttpRequest, since `fetch` doesn't tell how far a body has come. */
export const sendByXhr: SendUpload = ({ method, url, headers, body, signal, onProgress }) =>
  new Promise<UploadAnswer>((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    const end = (finish: () => void) => () => {
      signal.removeEventListener('abort', abort);
      finish();
    };
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = ({ loaded }) => onProgress(loaded);
    xhr.onload = end(() =>
      resolve({ status: xhr.status, header: (name) => xhr.getResponseHeader(name), text: xhr.responseText }),
    );
    xhr.onerror = end(() => reject(new Error('no answer')));
    xhr.onabort = end(() => reject(new Error('stopped')));
    if (signal.aborted) return reject(new Error('stopped'));
    signal.addEventListener('abort', abort);
    xhr.send(body);
  });

const KEPT_AS = 'uploads';
/** Older ones have expired on the server, or nobody comes back to them. */
const KEPT_MAX = 200;

/** In this browser, so that a closed tab or a crash loses nothing that was sent. */
export const browserMemory: UploadMemory = {
  find: (key) => read().find(([known]) => known === key)?.[1] ?? null,
  keep: (key, url) => write([...read().filter(([known]) => known !== key), [key, url]]),
  forget: (key) => write(read().filter(([known]) => known !== key)),
};

function read(): (readonly [string, string])[] {
  try {
    const list: unknown = JSON.parse(keptForPerson(KEPT_AS) ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function write(list: readonly (readonly [string, string])[]): void {
  keepForPerson(KEPT_AS, JSON.stringify(list.slice(-KEPT_MAX)));
}
