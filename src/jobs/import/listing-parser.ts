import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes';
import { readWhole } from '../../stores/values.js';

const DAV = 'DAV:';
const OWNCLOUD = 'http://owncloud.org/ns';
/** Text of one property, in characters. */
const TEXT_MAX = 64 * 1024;
const DEPTH_MAX = 64;
/** Of one tag, text or comment, which the XML parser keeps until it ends. */
const TOKEN_MAX = 256 * 1024;
/** ETags and checksums are remembered with each file; longer ones are no use. */
const REMEMBERED_MAX = 1024;

/** One response of a multistatus. */
export interface ListedResource {
  /** As it came. */
  readonly href: string;
  readonly isCollection: boolean;
  readonly size: number | null;
  /** Milliseconds since 1970. */
  readonly modified: number | null;
  readonly etag: string | null;
  /** `oc:checksums`, as it came. */
  readonly checksum: string | null;
}

/** The answer is no multistatus. */
export class ListingError extends Error {
  override readonly name = 'ListingError';
}

export const LISTING_REQUEST =
  '<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop>' +
  '<d:resourcetype/><d:getcontentlength/><d:getlastmodified/><d:getetag/><oc:checksums/></d:prop></d:propfind>';

type Draft = { -readonly [Key in keyof ListedResource]: ListedResource[Key] };
type Properties = Omit<Draft, 'href'>;

const NOTHING: Properties = { isCollection: false, size: null, modified: null, etag: null, checksum: null };

/** Reads a multistatus as it comes, so that a folder may have any number of members. Throws `ListingError`. */
export class ListingParser {
  readonly #parser = new SaxesParser({ xmlns: true, position: false });
  #found: ListedResource[] = [];
  #depth = 0;
  /** Characters since something ended. */
  #pending = 0;
  #text = '';
  #hasRoot = false;
  #href: string | null = null;
  #status: number | null = null;
  #resource: Properties = { ...NOTHING };
  #propstat: Properties = { ...NOTHING };

  constructor() {
    this.#parser.on('error', (error) => {
      throw new ListingError(`The source's listing is no XML: ${error.message}`);
    });
    this.#parser.on('doctype', () => {
      throw new ListingError('The source sent a web page in place of a listing.');
    });
    this.#parser.on('opentag', (tag) => this.#open(tag));
    this.#parser.on('closetag', (tag) => this.#close(tag));
    const text = (more: string) => {
      this.#ended();
      if (this.#text.length < TEXT_MAX) this.#text += more;
    };
    this.#parser.on('text', text);
    this.#parser.on('cdata', text);
    for (const event of ['comment', 'processinginstruction', 'xmldecl'] as const) {
      this.#parser.on(event, () => this.#ended());
    }
  }

  /** Returns the resources that are complete with this piece. */
  write(text: string): readonly ListedResource[] {
    this.#pending += text.length;
    this.#parser.write(text);
    if (this.#pending > TOKEN_MAX) throw new ListingError("A part of the source's listing has no end.");
    return this.#found.splice(0);
  }

  /** A listing that breaks off would look like deletions. */
  end(): void {
    this.#parser.close();
    if (!this.#hasRoot) throw new ListingError('The source sent an empty listing.');
  }

  #ended(): void {
    this.#pending = 0;
  }

  #open({
    uri,
    local,
  }: SaxesTagNS | { uri: string; local: string; attributes: Record<string, SaxesAttributeNS> }): void {
    this.#ended();
    if (++this.#depth > DEPTH_MAX) throw new ListingError("The source's listing is nested too deep.");
    if (!this.#hasRoot) {
      if (uri !== DAV || local !== 'multistatus') throw new ListingError('The source sent no listing.');
      this.#hasRoot = true;
    }
    this.#text = '';
    if (uri !== DAV) return;
    if (local === 'response') {
      this.#href = null;
      this.#resource = { ...NOTHING };
    }
    if (local === 'propstat') {
      this.#propstat = { ...NOTHING };
      this.#status = null;
    }
    if (local === 'collection') this.#propstat.isCollection = true;
  }

  #close({ uri, local }: SaxesTagNS): void {
    this.#ended();
    this.#depth--;
    const text = this.#text.trim();
    if (uri === DAV) this.#closeDav(local, text);
    if (uri === OWNCLOUD && local === 'checksum' && text !== '') {
      const { checksum } = this.#propstat;
      const all = checksum === null ? text : `${checksum} ${text}`;
      this.#propstat.checksum = all.slice(0, REMEMBERED_MAX + 1);
    }
    this.#text = '';
  }

  #closeDav(local: string, text: string): void {
    switch (local) {
      case 'href':
        this.#href ??= text;
        break;
      case 'status':
        this.#status = Number(/^HTTP\/\d(?:\.\d)?\s+(\d{3})/i.exec(text)?.[1] ?? Number.NaN);
        break;
      case 'getcontentlength':
        this.#propstat.size = readWhole(text);
        break;
      case 'getlastmodified': {
        const time = Date.parse(text);
        this.#propstat.modified = Number.isNaN(time) ? null : time;
        break;
      }
      case 'getetag':
        this.#propstat.etag = text === '' || text.length > REMEMBERED_MAX ? null : text;
        break;
      case 'propstat':
        if (this.#status === null || (this.#status >= 200 && this.#status < 300)) {
          this.#resource = merged(this.#resource, this.#propstat);
        }
        break;
      case 'response':
        if ((this.#resource.checksum?.length ?? 0) > REMEMBERED_MAX) this.#resource.checksum = null;
        if (this.#href !== null) this.#found.push({ href: this.#href, ...this.#resource });
    }
  }
}

function merged(first: Properties, second: Properties): Properties {
  return {
    isCollection: first.isCollection || second.isCollection,
    size: second.size ?? first.size,
    modified: second.modified ?? first.modified,
    etag: second.etag ?? first.etag,
    checksum: second.checksum ?? first.checksum,
  };
}

/** How the bytes of an XML answer are to be read: what its type says, else its declaration, else UTF-8. */
export function decoderFor(contentType: string | undefined, head: Uint8Array): InstanceType<typeof TextDecoder> {
  const declared = /^[^>]{0,100}\bencoding\s*=\s*["']([\w-]+)/.exec(
    Buffer.from(head.subarray(0, 120)).toString('latin1'),
  );
  const label = /;\s*charset\s*=\s*"?([\w-]+)/i.exec(contentType ?? '')?.[1] ?? declared?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(label);
  } catch {
    return new TextDecoder();
  }
}
