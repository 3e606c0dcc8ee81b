import { Durations } from './histogram.js';

/** Names that count; whatever else a client sends is `other`, so that nobody can make labels. */
export const METHODS = [
  'GET',
  'HEAD',
  'PUT',
  'POST',
  'PATCH',
  'DELETE',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'REPORT',
  'OPTIONS',
  'other',
] as const;
/** Where an address may lead: the kinds of `Mount`. */
const MOUNT_KINDS = ['drive', 'cloud', 'api', 'console-api', 'console', 'parent', 'other'] as const;
/** By the first digit of the status. `none`: the client went away before there was an answer. */
export const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;

type MountKind = (typeof MOUNT_KINDS)[number];

const METHOD_NUMBERS: ReadonlyMap<string, number> = new Map(METHODS.map((method, index) => [method, index]));
const KIND_NUMBERS: ReadonlyMap<string, number> = new Map(MOUNT_KINDS.map((kind, index) => [kind, index]));
const OTHER_METHOD = METHODS.length - 1;
const OTHER_KIND = MOUNT_KINDS.length - 1;

/** What is known of one request until it ends. Times are those of `performance.now()`. */
export interface RequestNote {
  readonly method: number;
  readonly startedAt: number;
  /** When the answer began; 0 before. */
  answeredAt: number;
}

/** As much of Node's response as matters here. */
interface Response {
  readonly statusCode: number;
  readonly headersSent: boolean;
  readonly writableFinished: boolean;
}

/** Of all requests with one method and one kind of mount. */
export interface MethodCounts {
  readonly method: (typeof METHODS)[number];
  readonly mount: MountKind;
  /** By the index of `STATUS_CLASSES`. */
  readonly statuses: Float64Array;
  /** From the head of the request to the head of the answer. */
  readonly first: Durations;
  /** From the head of the request to the last byte of the answer. */
  readonly last: Durations;
}

/** Counts requests in plain numbers: it is done for each of them, reading the counts seldom. */
export class RequestCounts {
  readonly #counts: (MethodCounts | undefined)[] = new Array(METHODS.length * MOUNT_KINDS.length).fill(undefined);
  /** Requests under way, by the index of `METHODS`. */
  readonly open = new Float64Array(METHODS.length);
  /** Answers whose client went away before their end. */
  broken = 0;

  begin(method: string): RequestNote {
    const number = METHOD_NUMBERS.get(method) ?? OTHER_METHOD;
    this.open[number]!++;
    return { method: number, startedAt: performance.now(), answeredAt: 0 };
  }

  /** Call it once, when the response is closed. */
  end({ method, startedAt, answeredAt }: RequestNote, mount: MountKind, response: Response): void {
    this.open[method]!--;
    const counts = this.#countsOf(method, KIND_NUMBERS.get(mount) ?? OTHER_KIND);
    if (!response.writableFinished) this.broken++;
    if (!response.headersSent) {
      counts.statuses[0]!++;
      return;
    }
    counts.statuses[Math.trunc(response.statusCode / 100)]!++;
    const now = performance.now();
    counts.first.add(((answeredAt || now) - startedAt) / 1000);
    counts.last.add((now - startedAt) / 1000);
  }

  /** Those that there were requests of. */
  all(): MethodCounts[] {
    return this.#counts.filter((counts) => counts !== undefined);
  }

  #countsOf(method: number, kind: number): MethodCounts {
    const index = kind * METHODS.length + method;
    let counts = this.#counts[index];
    if (!counts) {
      counts = {
        method: METHODS[method]!,
        mount: MOUNT_KINDS[kind]!,
        statuses: new Float64Array(STATUS_CLASSES.length),
        first: new Durations(),
        last: new Durations(),
      };
      this.#counts[index] = counts;
    }
    return counts;
  }
}
