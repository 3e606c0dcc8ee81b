import { XML_NAMESPACE, type XmlElement } from './xml-element.js';

/**
 * The prefixes that the root of every answer declares (multistatus.ts). Stored text uses them for the same namespaces
 * and never binds them to another: Windows' redirector is confused by a prefix that changes its meaning (golang/go#11177).
 */
export const ROOT_PREFIXES: ReadonlyMap<string, string> = new Map([
  ['DAV:', 'D'],
  ['http://owncloud.org/ns', 'oc'],
  ['http://nextcloud.org/ns', 'nc'],
  ['urn:schemas-microsoft-com:', 'Z'],
  ['http://apache.org/dav/props/', 'A'],
  ['urn:firn', 'F'],
]);

const RESERVED_PREFIXES: ReadonlySet<string> = new Set([...ROOT_PREFIXES.values(), 's', 'xml', 'xmlns']);

/** What a text must escape, or what XML 1.0 §2.2 forbids. Pairs of surrogates take the slow way too, which keeps them. */
const TEXT_SPECIAL = /[&<>\r\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/;
const ATTRIBUTE_SPECIAL = /[&<>"\t\n\r\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/;
/** With the flag `u` a surrogate matches only where it has no partner. */
const TEXT_SPECIALS = /[&<>\r\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/gu;
const ATTRIBUTE_SPECIALS = /[&<>"\t\n\r\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/gu;

/** Character data ready for an element's content. Characters that XML 1.0 can't hold become U+FFFD. */
export function escapeText(text: string): string {
  return TEXT_SPECIAL.test(text) ? text.replace(TEXT_SPECIALS, escapeCharacter) : text;
}

/**
 * Character data ready for an attribute's value in double quotes. Tab and line ends become references: a parser would
 * turn the bare characters into spaces (XML 1.0 §3.3.3).
 */
export function escapeAttribute(text: string): string {
  return ATTRIBUTE_SPECIAL.test(text) ? text.replace(ATTRIBUTE_SPECIALS, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '&':
      return '&amp;';
    case '<':
      return '&lt;';
    case '>':
      return '&gt;';
    case '"':
      return '&quot;';
    case '\t':
      return '&#9;';
    case '\n':
      return '&#10;';
    case '\r':
      return '&#13;';
    default:
      return '\ufffd';
  }
}

/**
 * The element as text that means the same wherever it is put: its outermost tag declares every namespace used inside,
 * always by prefix, once each, so that a long namespace name is not repeated for every child. `xmlns=""` appears when
 * something inside has no namespace. Prefixes are the client's where they are free (RFC 4918 §4.3).
 */
export function serializeElement(element: XmlElement): string {
  const prefixes = new Prefixes();
  prefixes.collect(element);
  let declarations = '';
  for (const [namespace, prefix] of prefixes.chosen) {
    declarations += prefix === '' ? ' xmlns=""' : ` xmlns:${prefix}="${escapeAttribute(namespace)}"`;
  }
  return write(element, prefixes.chosen, declarations);
}

const TAG = /<[^>]*>/g;
const ROOT_DECLARATION = new RegExp(
  [...ROOT_PREFIXES].map(([namespace, prefix]) => ` xmlns:${prefix}="${namespace}"`).join('|'),
  'g',
);

/**
 * Stored text as part of an answer, whose root declares its prefixes: Windows' redirector is confused when something
 * inside declares them again (golang/go#11177), and its listings stay a quarter shorter.
 */
export function withinAnswer(stored: string): string {
  // A declaration stands in a tag, where quotes of values are escaped; a text may look like one.
  return stored.includes(' xmlns:') ? stored.replace(TAG, (tag) => tag.replace(ROOT_DECLARATION, '')) : stored;
}

/**
 * The content of an element, each element in it being self-contained as `serializeElement` makes it; null where that is
 * longer than `bytesMax`. Each child declares its namespaces again, so it stops before all of them are written.
 */
export function serializeContent(element: XmlElement, bytesMax: number): string | null {
  let text = '';
  for (const child of element.children) {
    text += typeof child === 'string' ? escapeText(child) : serializeElement(child);
    if (text.length > bytesMax) return null;
  }
  return Buffer.byteLength(text) > bytesMax ? null : text;
}

/** Chooses one prefix for each namespace of an element. The work grows with the element alone, whatever it is called. */
class Prefixes {
  readonly chosen = new Map<string, string>();
  readonly #taken = new Set<string>();
  #number = 0;

  collect(element: XmlElement): void {
    this.#choose(element.namespace, element.prefix ?? '');
    for (const { namespace, prefix } of element.attributes) {
      if (namespace !== '' && namespace !== XML_NAMESPACE) this.#choose(namespace, prefix);
    }
    for (const child of element.children) if (typeof child !== 'string') this.collect(child);
  }

  #choose(namespace: string, wish: string): void {
    if (this.chosen.has(namespace)) return;
    let prefix = namespace === '' ? '' : (ROOT_PREFIXES.get(namespace) ?? wish);
    if (namespace !== '' && !ROOT_PREFIXES.has(namespace)) {
      const isFree =
        prefix !== '' && !/^xml/i.test(prefix) && !RESERVED_PREFIXES.has(prefix) && !this.#taken.has(prefix);
      if (!isFree) prefix = this.#free();
    }
    this.#taken.add(prefix);
    this.chosen.set(namespace, prefix);
  }

  /** Never looks at a number twice: a client may have taken them all. */
  #free(): string {
    this.#number = Math.max(this.#number, this.#taken.size);
    while (this.#taken.has(`ns${this.#number}`)) this.#number++;
    return `ns${this.#number}`;
  }
}

function write(element: XmlElement, prefixes: ReadonlyMap<string, string>, declarations: string): string {
  const prefix = prefixes.get(element.namespace);
  const tag = prefix ? `${prefix}:${element.name}` : element.name;
  let text = `<${tag}${declarations}`;
  for (const attribute of element.attributes) {
    const name = attributeName(attribute.namespace, attribute.name, prefixes);
    text += ` ${name}="${escapeAttribute(attribute.value)}"`;
  }
  if (element.children.length === 0) return `${text}/>`;
  text += '>';
  for (const child of element.children) {
    text += typeof child === 'string' ? escapeText(child) : write(child, prefixes, '');
  }
  return `${text}</${tag}>`;
}

function attributeName(namespace: string, name: string, prefixes: ReadonlyMap<string, string>): string {
  if (namespace === '') return name;
  return namespace === XML_NAMESPACE ? `xml:${name}` : `${prefixes.get(namespace)}:${name}`;
}
