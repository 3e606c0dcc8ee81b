import { FAVORITE } from '../../drive/favorites.js';
import type { Resource } from '../../drive/resource.js';
import { missingProperty, responseWithPropstats } from '../xml/multistatus.js';
import { propertyKey } from '../xml/property-name.js';
import { type PropfindRequest, parsePropfind } from '../xml/propfind-request.js';
import { withinAnswer } from '../xml/serialize-xml.js';
import {
  ALLPROP,
  findLiveProperty,
  LEAN_ALLPROP,
  LIVE_PROPERTIES,
  type LiveProperty,
  type PropertyFacts,
  QUOTA,
} from './live-properties.js';

interface NamedProperty {
  /** See `propertyKey`. */
  readonly key: string;
  readonly live: LiveProperty | null;
  /** The empty element for the list of the missing. */
  readonly missing: string;
}

/** What a property says that nobody has set, where programs don't take a 404 for it. */
const UNSET: ReadonlyMap<string, string> = new Map([[propertyKey(FAVORITE), '<oc:favorite>0</oc:favorite>']]);

/** A longer list of what is missing is said of the first member alone: forty names take 1 to 3 KiB. */
const MISSING_BYTES_A_MEMBER_MAX = 4 * 1024;

export interface SelectionOptions {
  /** Says nothing of what is missing (RFC 8144 §2). */
  readonly isMinimal: boolean;
  /**
   * Allprop goes without what takes much room: for a client that gives up on long answers (client-requirements R38).
   */
  readonly isLean?: boolean;
  /** Allprop tells the quota as well, as ownCloud and Nextcloud do; RFC 4331 advises against it. */
  readonly withQuota?: boolean;
}

/** Programs send the same few bodies over and over, and reading XML costs more than all the rest of a small answer. */
const KNOWN_MAX = 100;
const KNOWN_BODY_BYTES_MAX = 2048;
const known = new Map<string, PropertySelection>();

/** A usual member of a usual answer. */
const BYTES_A_MEMBER = 700;
/** Of the last answer and this one: names are longer in one folder than in the next. */
const SPARE = 1.05;
let selections = 0;

/** Whether the same body leads to the same selection, as long as it comes now and then. */
export function isRemembered(body: Uint8Array | null): boolean {
  return body === null || body.length <= KNOWN_BODY_BYTES_MAX;
}

/** Reads the body of a PROPFIND, or remembers having read it. Throws `HttpError` 400. */
export function readSelection(
  body: Uint8Array | null,
  contentType: string | undefined,
  options: SelectionOptions,
): PropertySelection {
  if (body !== null && !isRemembered(body)) {
    return new PropertySelection(parsePropfind(body, contentType), options);
  }
  const text = body === null ? '' : Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
  const { isMinimal, isLean = false, withQuota = false } = options;
  const key = `${isMinimal} ${isLean} ${withQuota} ${contentType ?? ''}\n${text}`;
  let selection = known.get(key);
  if (!selection) {
    selection = new PropertySelection(parsePropfind(body, contentType), options);
    if (known.size >= KNOWN_MAX) known.delete(known.keys().next().value!);
    known.set(key, selection);
  }
  return selection;
}

/** The properties that a PROPFIND wants, worked out once for all members of the answer. */
export class PropertySelection {
  readonly #named: readonly NamedProperty[];
  readonly #kind: PropfindRequest['kind'];
  readonly #isMinimal: boolean;
  readonly #isMissingSaidOnce: boolean;
  /** No two selections of a process have the same. */
  readonly id = ++selections;
  /** What has to be gathered before `render`. */
  readonly needsLocks: boolean;
  readonly needsQuota: boolean;
  readonly needsDigests: boolean;
  readonly needsDead: boolean;
  readonly needsRestoration: boolean;
  #bytesAMember = BYTES_A_MEMBER;

  constructor(request: PropfindRequest, options: SelectionOptions) {
    this.#kind = request.kind;
    this.#isMinimal = options.isMinimal;
    const names = request.kind === 'prop' ? request.properties : request.kind === 'allprop' ? request.include : [];
    const named = names.map((name) => ({
      key: propertyKey(name),
      live: findLiveProperty(name) ?? null,
      missing: missingProperty(name),
    }));
    if (request.kind === 'allprop') {
      const usual = options.isLean ? LEAN_ALLPROP : ALLPROP;
      const all = options.withQuota ? [...usual, ...QUOTA] : usual;
      const extra = named.filter(({ live }) => live && !all.includes(live));
      this.#named = [...all.map((live) => ({ key: propertyKey(live.name), live, missing: '' })), ...extra];
    } else {
      this.#named = named;
    }
    const missingBytes = named.reduce((bytes, { missing }) => bytes + Buffer.byteLength(missing), 0);
    this.#isMissingSaidOnce = missingBytes > MISSING_BYTES_A_MEMBER_MAX;
    this.needsLocks = this.#has('{DAV:}lockdiscovery');
    this.needsQuota =
      request.kind === 'propname' || this.#has('{DAV:}quota-available-bytes') || this.#has('{DAV:}quota-used-bytes');
    this.needsDigests = this.#has('{http://owncloud.org/ns}checksums');
    this.needsRestoration = this.#has('{http://owncloud.org/ns}data-fingerprint');
    this.needsDead = request.kind !== 'prop' || this.#named.some(({ live }) => live === null);
  }

  /** What a member is expected to take: memory that is much too large costs the collector as much as what is used. */
  get bytesAMember(): number {
    return this.#bytesAMember;
  }

  /** Members of an answer took so much each. */
  noteSize(bytesAMember: number): void {
    this.#bytesAMember = Math.ceil(bytesAMember * SPARE);
  }

  /** One member of the answer (RFC 4918 §9.1.1–9.1.6). `href` is encoded; `isFirst`: no other came before it. */
  render(href: string, resource: Resource, facts: PropertyFacts, isFirst: boolean): string {
    if (this.#kind === 'propname') return responseWithPropstats(href, namesOf(resource, facts), '');
    const isAll = this.#kind === 'allprop';
    let found = '';
    let missing = '';
    for (const { key, live, missing: empty } of this.#named) {
      const text = live ? live.write(resource, facts) : (deadProperty(resource, key, facts) ?? UNSET.get(key) ?? null);
      if (text !== null) found += text;
      // What allprop doesn't find isn't missing (client-requirements R20).
      else if (!isAll) missing += empty;
    }
    if (isAll && resource.node) {
      for (const row of facts.dead.get(resource.node.id)?.values() ?? []) found += withinAnswer(row.xml);
    }
    const isSilent = this.#isMinimal || (this.#isMissingSaidOnce && !isFirst);
    return responseWithPropstats(href, found, isSilent ? '' : missing);
  }

  #has(key: string): boolean {
    return this.#named.some((named) => named.key === key);
  }
}

function deadProperty({ node }: Resource, key: string, facts: PropertyFacts): string | null {
  const row = node?.propertyBytes ? facts.dead.get(node.id)?.get(key) : undefined;
  return row ? withinAnswer(row.xml) : null;
}

function namesOf(resource: Resource, facts: PropertyFacts): string {
  const live = LIVE_PROPERTIES.filter(({ write }) => write(resource, facts) !== null).map(({ name }) => name);
  const dead = resource.node ? (facts.dead.get(resource.node.id)?.values() ?? []) : [];
  return [...live, ...dead].map(missingProperty).join('');
}
