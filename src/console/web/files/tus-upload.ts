import { metadataHeader, metadataValue } from './upload-metadata.js';

/** A request of an upload, as a browser or a test sends it. */
export interface UploadRequest {
  readonly method: 'POST' | 'PATCH' | 'HEAD' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob | null;
  readonly signal: AbortSignal;
  /** How many bytes of the body have left. */
  readonly onProgress: (bytes: number) => void;
}
export interface UploadAnswer {
  readonly status: number;
  header(name: string): string | null;
  readonly text: string;
}
/** Throws where no answer comes. */
export type SendUpload = (request: UploadRequest) => Promise<UploadAnswer>;

/** Where uploads were begun, so that choosing the same file again goes on with it. */
export interface UploadMemory {
  find(key: string): string | null;
  keep(key: string, url: string): void;
  forget(key: string): void;
}

/** What is uploaded, and where to. */
export interface UploadSource {
  readonly content: Blob;
  /** A folder's path on the drive. */
  readonly folder: string;
  /** From there; the folders on the way are made: `photos/2024/sea.jpg`. */
  readonly name: string;
  /** Unix time in milliseconds. */
  readonly modifiedMs: number;
}

export interface UploadMeans {
  /** Where uploads are begun: `/api/drives/ID/uploads`. */
  readonly address: string;
  readonly send: SendUpload;
  readonly csrfToken: () => string;
  readonly memory: UploadMemory;
  readonly chunkBytes: number;
  /** Rests after the first, second … loss in a row, in milliseconds; the last one serves for all that follow. */
  readonly lossRestsMs: readonly number[];
  /** The same after answers of a server that can't at the moment. */
  readonly busyRestsMs: readonly number[];
}

/** `taken`: there is a file of that name, and nobody has said what to do. */
export type UploadStage = 'waiting' | 'sending' | 'retrying' | 'paused' | 'taken' | 'done' | 'failed' | 'cancelled';
/** Where the name is taken: ask, write over the file, or take `name (2)`. */
export type NameWish = 'ask' | 'replace' | 'keep-both';

/** How the server is told of it. */
const WISHES: Readonly<Record<NameWish, Record<'headers' | 'metadata', Readonly<Record<string, string>>>>> = {
  ask: { headers: { 'If-None-Match': '*' }, metadata: {} },
  replace: { headers: {}, metadata: {} },
  'keep-both': { headers: {}, metadata: { mayRename: '' } },
};

/** The server said no, and asking again changes nothing. */
class UploadRefusal extends Error {
  readonly kind: string;
  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The server can't at the moment. */
class ServerBusy extends Error {}
class NameTaken extends Error {}

const TUS = { 'Tus-Resumable': '1.0.0' };
/** They pass. 423: the server still works on what came before the connection was lost, or the file is locked. */
const PASSING_STATUSES: readonly number[] = [408, 423, 425, 429, 500, 502, 503, 504];
/** A lost network is waited for as long as it takes; a server that answers so often is given up. */
const BUSY_ANSWERS_MAX = 8;

let lastId = 0;

/** One file on its way by TUS 1.0.0 (https://tus.io/protocols/resumable-upload). */
export class TusUpload {
  /** Of this page's uploads. */
  readonly id = ++lastId;
  readonly source: UploadSource;
  readonly #means: UploadMeans;
  readonly #onChange: () => void;
  #stage: UploadStage = 'waiting';
  #sentBytes = 0;
  #error: UploadRefusal | null = null;
  #url: string | null = null;
  #wish: NameWish = 'ask';
  #name: string;
  #stop = new AbortController();
  #wake: () => void = () => {};

  constructor(source: UploadSource, means: UploadMeans, onChange: () => void) {
    this.source = source;
    this.#name = source.name;
    this.#means = means;
    this.#onChange = onChange;
  }

  get stage(): UploadStage {
    return this.#stage;
  }
  get sentBytes(): number {
    return this.#sentBytes;
  }
  /** The name it gets. */
  get name(): string {
    return this.#name;
  }
  /** Why it failed. */
  get error(): UploadRefusal | null {
    return this.#error;
  }

  /** Sends what is missing. Comes back when there is nothing to be done without being told; never throws. */
  async run(): Promise<void> {
    if (this.#stage !== 'waiting') return;
    const stop = new AbortController();
    this.#stop = stop;
    let losses = 0;
    let busyAnswers = 0;
    while (!stop.signal.aborted) {
      const before = this.#sentBytes;
      try {
        this.#set('sending');
        await this.#sendAll(stop.signal);
        this.#means.memory.forget(this.#key());
        return this.#set('done');
      } catch (error) {
        if (stop.signal.aborted) return;
        if (error instanceof NameTaken) return this.#set('taken');
        const isBusy = error instanceof ServerBusy;
        losses = this.#sentBytes > before ? 0 : losses + 1;
        busyAnswers = isBusy ? busyAnswers + 1 : 0;
        const refusal = await this.#refusalIn(error, busyAnswers);
        if (stop.signal.aborted) return;
        if (refusal) return this.#fail(refusal);
        this.#set('retrying');
        await (isBusy
          ? this.#rest(busyAnswers, this.#means.busyRestsMs, stop.signal)
          : this.#rest(losses, this.#means.lossRestsMs, stop.signal));
      }
    }
  }

  /** Stops; what is on the server stays there. */
  pause(): void {
    if (!['waiting', 'sending', 'retrying'].includes(this.#stage)) return;
    this.#set('paused');
    this.#stop.abort();
  }

  /** To be run again: after a pause, as another try, or with an answer to whether the file is replaced. */
  queueAgain(wish: NameWish = this.#wish): void {
    if (!['paused', 'failed', 'taken'].includes(this.#stage)) return;
    this.#wish = wish;
    this.#error = null;
    this.#set('waiting');
  }

  /** Stops, and throws away what is on the server. */
  async cancel(): Promise<void> {
    if (this.#stage === 'done' || this.#stage === 'cancelled') return;
    this.#set('cancelled');
    this.#stop.abort();
    this.#means.memory.forget(this.#key());
    if (this.#url === null) return;
    // Where this fails, the upload expires by itself.
    await this.#ask('DELETE', this.#url, new AbortController().signal).catch(() => {});
  }

  /** The network is back: don't sit out the rest. */
  wake(): void {
    this.#wake();
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    const { content } = this.source;
    let offset = await this.#begin(signal);
    while (offset < content.size) {
      this.#progress(offset);
      const start = offset;
      const answer = await this.#ask('PATCH', this.#url!, signal, {
        headers: { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(offset) },
        body: content.slice(offset, Math.min(offset + this.#means.chunkBytes, content.size)),
        onProgress: (bytes) => this.#progress(start + bytes),
      });
      if (answer.status === 412) this.#forget();
      // Another connection has sent more: the offset is asked for again.
      if (answer.status === 409) throw new ServerBusy('the upload is elsewhere');
      if (answer.status !== 204) throw this.#refused(answer);
      offset = offsetIn(answer);
      if (offset <= start) throw new ServerBusy('nothing was taken');
    }
    this.#progress(content.size);
  }

  /** Finds how far the upload is, or begins it; the offset in bytes. */
  async #begin(signal: AbortSignal): Promise<number> {
    const { size } = this.source.content;
    this.#url ??= this.#means.memory.find(this.#key());
    if (this.#url !== null) {
      const known = await this.#ask('HEAD', this.#url, signal);
      if (known.status === 200 && Number(known.header('Upload-Length')) === size) {
        this.#takeName(known);
        return offsetIn(known);
      }
      if (PASSING_STATUSES.includes(known.status) || known.status === 401) throw this.#refused(known);
      this.#forget();
    }
    const made = await this.#make(signal);
    const location = made.header('Location');
    if (made.status !== 201 || location === null) throw this.#refused(made);
    // Behind a proxy the scheme and the host may be others; the path is right.
    const { pathname, search } = new URL(location, 'http://any.invalid');
    this.#url = pathname + search;
    this.#means.memory.keep(this.#key(), this.#url);
    // Which name was free the server alone knows.
    if (this.#wish === 'keep-both') this.#takeName(await this.#ask('HEAD', this.#url, signal));
    return made.header('Upload-Offset') === null ? 0 : offsetIn(made);
  }

  #make(signal: AbortSignal): Promise<UploadAnswer> {
    const { content, name, folder, modifiedMs } = this.source;
    this.#name = name;
    const mtime = String(Math.floor(modifiedMs / 1000));
    return this.#ask('POST', this.#means.address, signal, {
      headers: {
        'Upload-Length': String(content.size),
        'Upload-Metadata': metadataHeader({ filename: name, path: folder, mtime, ...WISHES[this.#wish].metadata }),
        ...WISHES[this.#wish].headers,
      },
    });
  }

  #takeName(answer: UploadAnswer): void {
    this.#name = metadataValue(answer.header('Upload-Metadata') ?? '', 'filename') ?? this.#name;
  }

  #ask(
    method: UploadRequest['method'],
    url: string,
    signal: AbortSignal,
    more: Partial<Pick<UploadRequest, 'headers' | 'body' | 'onProgress'>> = {},
  ): Promise<UploadAnswer> {
    const headers = { ...TUS, 'X-CSRF-Token': this.#means.csrfToken(), ...more.headers };
    return this.#means.send({ method, url, signal, body: null, onProgress: () => {}, ...more, headers });
  }

  /** Why the upload ends here; null: it is tried again. */
  async #refusalIn(error: unknown, busyAnswers: number): Promise<UploadRefusal | null> {
    if (error instanceof UploadRefusal) return error;
    if (error instanceof ServerBusy) {
      return busyAnswers > BUSY_ANSWERS_MAX ? new UploadRefusal('server-busy', error.message) : null;
    }
    try {
      // A file that was changed or taken away looks like a lost network to anyone who sends it.
      const { content } = this.source;
      await content.slice(Math.max(0, content.size - 1)).arrayBuffer();
      return null;
    } catch {
      return new UploadRefusal('unreadable', 'The file can not be read any more.');
    }
  }

  #refused(answer: UploadAnswer): Error {
    const { kind, message } = errorIn(answer);
    if (answer.status === 412) return new NameTaken(message);
    return PASSING_STATUSES.includes(answer.status) ? new ServerBusy(message) : new UploadRefusal(kind, message);
  }

  async #rest(times: number, restsMs: readonly number[], signal: AbortSignal): Promise<void> {
    const restMs = restsMs[Math.min(times, restsMs.length) - 1] ?? restsMs[0] ?? 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, restMs);
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      // A busy server isn't asked sooner because the network is there.
      if (restsMs === this.#means.lossRestsMs) this.#wake = end;
      signal.addEventListener('abort', end, { once: true });
    });
    this.#wake = () => {};
  }

  #forget(): void {
    this.#url = null;
    this.#means.memory.forget(this.#key());
  }

  #key(): string {
    const { content, name, folder, modifiedMs } = this.source;
    return JSON.stringify([this.#means.address, folder, name, content.size, modifiedMs]);
  }

  #set(stage: UploadStage): void {
    if (this.#stage === 'cancelled') return;
    this.#stage = stage;
    this.#onChange();
  }

  #fail(refusal: UploadRefusal): void {
    this.#error = refusal;
    this.#set('failed');
  }

  #progress(bytes: number): void {
    this.#sentBytes = bytes;
    this.#onChange();
  }
}

/** Bytes that the server has. */
function offsetIn(answer: UploadAnswer): number {
  const offset = Number(answer.header('Upload-Offset') ?? Number.NaN);
  if (!Number.isSafeInteger(offset) || offset < 0) throw new ServerBusy('no Upload-Offset');
  return offset;
}

function errorIn({ status, text }: UploadAnswer): { kind: string; message: string } {
  try {
    const { error } = JSON.parse(text) as { error: { kind: string; message: string } };
    return { kind: String(error.kind), message: String(error.message) };
  } catch {
    return { kind: `status-${status}`, message: `${status}` };
  }
}
