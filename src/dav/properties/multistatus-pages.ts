import { PAGE_MEMBERS, STEP_MEMBERS } from '../../drive/listing.js';
import type { DrivePath } from '../../drive/names.js';
import type { Resource } from '../../drive/resource.js';
import type { Snapshot } from '../../drive/snapshot.js';
import { type DavResponse, Pages, respond } from '../request.js';
import { TextBytes } from '../text-bytes.js';
import { MULTISTATUS_CLOSE, MULTISTATUS_OPEN } from '../xml/multistatus.js';
import { type Answer, renderMembers } from './resource-page.js';

/** A first page that has come this far ends; a thousand usual members take 700 KB. */
const PAGE_BYTES_MAX = 1024 * 1024;
/** Each further page: a step that others hardly feel. */
const STEP_BYTES_MAX = 256 * 1024;
/** Beside the members; and what a last long one may take more than those before it. */
const BYTES_BESIDE = 4 * 1024;
/** Of fewer nothing is learnt for a listing. */
const MEMBERS_TO_TELL = 16;

/** What is at an address no more: it comes back with 404 alone. */
export interface Gone {
  readonly kind: 'gone';
  readonly path: DrivePath;
  readonly isCollection: boolean;
}

export type Member = Resource | Gone;

/** Where the members of an answer come from, page by page; null: there are no more. */
export interface MemberSource {
  readonly isDone: boolean;
  /** About `limit` of them, where the source is asked for a number. */
  next(snapshot: Snapshot, limit?: number): Promise<readonly Member[] | null>;
}

/** Members that are there already. */
export class MemberList implements MemberSource {
  #members: readonly Member[] | null;

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  get isDone(): boolean {
    return this.#members === null;
  }

  async next(): Promise<readonly Member[] | null> {
    const members = this.#members;
    this.#members = null;
    return members;
  }
}

export const NOTHING: MemberSource = { isDone: true, next: async () => null };

/**
 * A multistatus as pages that are bounded by members, which the source sees to, and by bytes: what doesn't fit a page any
 * more begins the next one. A page is read from one snapshot, and is to be sent before the next one is asked for, which
 * takes the same memory.
 */
export class MultistatusPages {
  readonly #answer: Answer | Promise<Answer>;
  readonly #source: MemberSource;
  readonly #close: string;
  #open = MULTISTATUS_OPEN;
  #rest: readonly Member[];
  #bytes: TextBytes | null = null;
  #isDone = false;
  #first: Uint8Array | null = null;

  /**
   * `answer` may come while the first members are read. `first`: come before those of the source. `after`: text behind the
   * last member.
   */
  constructor(answer: Answer | Promise<Answer>, source: MemberSource, first: readonly Member[] = [], after = '') {
    this.#answer = answer;
    this.#source = source;
    this.#rest = first;
    this.#close = after + MULTISTATUS_CLOSE;
  }

  /** Whether the last page has come. */
  get isDone(): boolean {
    return this.#isDone;
  }

  get answer(): Answer | Promise<Answer> {
    return this.#answer;
  }

  /** Makes the first page, for `takeFirst`. */
  async begin(snapshot: Snapshot): Promise<this> {
    this.#first = await this.#next(snapshot);
    return this;
  }

  /** The first page, once: see `DavResponse.body`. */
  takeFirst(): Uint8Array {
    const first = this.#first;
    if (!first) throw new Error('takeFirst comes once, after begin');
    this.#first = null;
    return first;
  }

  async #next(snapshot: Snapshot): Promise<Uint8Array> {
    const isFirst = this.#open !== '';
    const [answer, members] = await Promise.all([this.#answer, this.#members(snapshot, isFirst)]);
    const bytes = this.#room(answer, members.length, isFirst);
    bytes.append(this.#open);
    this.#open = '';
    const bytesMax = isFirst ? PAGE_BYTES_MAX : STEP_BYTES_MAX;
    const rendered = await renderMembers(snapshot, answer, members, { bytes, bytesMax, isFirst });
    if (isFirst && rendered >= MEMBERS_TO_TELL) answer.selection.noteSize(bytes.length / rendered);
    this.#rest = members.slice(rendered);
    this.#isDone = this.#rest.length === 0 && this.#source.isDone;
    if (this.#isDone) bytes.append(this.#close);
    return bytes.take();
  }

  /** All other pages, each from a snapshot of its own. */
  async *others(): AsyncGenerator<Uint8Array> {
    const { drive } = (await this.#answer).request;
    while (!this.#isDone) yield await drive.read((snapshot) => this.#next(snapshot));
  }

  async #members(snapshot: Snapshot, isFirst: boolean): Promise<readonly Member[]> {
    if (this.#rest.length > 0 && !isFirst) return this.#rest;
    const members = this.#source.isDone
      ? []
      : ((await this.#source.next(snapshot, isFirst ? PAGE_MEMBERS : STEP_MEMBERS)) ?? []);
    return isFirst ? [...this.#rest, ...members] : members;
  }

  /** Most answers are one page: only others need memory that is used again. */
  #room({ selection: { bytesAMember } }: Answer, members: number, isFirst: boolean): TextBytes {
    if (isFirst) return new TextBytes(BYTES_BESIDE + members * bytesAMember);
    this.#bytes ??= new TextBytes(members * bytesAMember);
    this.#bytes.clear();
    return this.#bytes;
  }
}

/** 207: an answer of one page has a length, a longer one streams; while a slow client reads nothing is held. */
export function respondPages(headers: Record<string, string>, pages: MultistatusPages): DavResponse {
  return respond(207, headers, bodyOf(pages));
}

export function bodyOf(pages: MultistatusPages): Uint8Array | Pages {
  return pages.isDone ? pages.takeFirst() : new Pages(allOf(pages));
}

async function* allOf(pages: MultistatusPages): AsyncGenerator<Uint8Array> {
  yield pages.takeFirst();
  yield* pages.others();
}
