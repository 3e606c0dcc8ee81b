import { TextDecoder } from 'node:util';
import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes';
import { HttpError } from '../../http-error.js';
import type { XmlAttribute, XmlElement } from './xml-element.js';

/** The largest bodies seen are PROPPATCHes of some KiB; the reader of the body stops at the same size. */
export const XML_BODY_BYTES_MAX = 1024 * 1024;
/** Real bodies go five deep. Keeps every recursion over a tree shallow. */
export const XML_DEPTH_MAX = 64;
/** Namespace declarations included. Real elements carry a handful. */
export const XML_ATTRIBUTES_MAX = 256;
/** A PROPPATCH of some hundred properties stays below a thousand; 20,000 parse in about 50 ms. */
export const XML_ELEMENTS_MAX = 20_000;
/** Namespace names come back once for each missing property of each member, so a long one is multiplied. */
const XML_NAMESPACE_LENGTH_MAX = 1024;

/** The first character of a name without prefix (Namespaces in XML 1.0 §3); saxes checks that of the whole `a:b` alone. */
const NAME_START =
  /^[A-Z_a-z\u{c0}-\u{d6}\u{d8}-\u{f6}\u{f8}-\u{2ff}\u{370}-\u{37d}\u{37f}-\u{1fff}\u{200c}-\u{200d}\u{2070}-\u{218f}\u{2c00}-\u{2fef}\u{3001}-\u{d7ff}\u{f900}-\u{fdcf}\u{fdf0}-\u{fffd}\u{10000}-\u{effff}]/u;

/** Decoders drop a byte order mark and refuse what is not in their encoding. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true });
const UTF_16_LE = new TextDecoder('utf-16le', { fatal: true });
const UTF_16_BE = new TextDecoder('utf-16be', { fatal: true });

/** An element whose children are still arriving. */
interface OpenElement extends XmlElement {
  readonly children: (XmlElement | string)[];
}

/** True for no body, and for one of white space alone, which obsidian's engines send with MKCOL. */
export function isBlankBody(body: Uint8Array | null): boolean {
  return body === null || body.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/**
 * Parses a request body, namespaces resolved. Stray text between elements stays in `children` (ownCloud 2.11 sends
 * `…</d:prop>M</d:propfind>`); a caller that looks for elements passes over it.
 * Throws HttpError 413 for a body over the limit, and 400 for whatever else is wrong: malformed XML, undeclared
 * prefixes, any DOCTYPE (so no entities but the five of XML 1.0), wrong encoding, too deep, too many.
 * `contentType` helps with UTF-16 that has neither byte order mark nor a `<` at its start.
 */
export function parseXml(body: Uint8Array, contentType?: string): XmlElement {
  if (body.length > XML_BODY_BYTES_MAX) {
    throw new HttpError(413, `The XML body is larger than ${XML_BODY_BYTES_MAX} bytes.`);
  }
  const text = decodeBody(body, contentType);
  try {
    return buildTree(text);
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, 'The request body could not be read as XML.', { cause: error });
  }
}

/**
 * The bytes decide the encoding, whatever the XML declaration says: .NET programs announce `utf-16` in UTF-8 text.
 * UTF-16 is known by its byte order mark or by `<` as its first character (XML 1.0 appendix F; BitKinex sends it).
 */
function decodeBody(body: Uint8Array, contentType: string | undefined): string {
  const encoding = body.length >= 2 ? (encodingByPattern(body[0]!, body[1]!) ?? encodingByType(contentType)) : UTF_8;
  try {
    return encoding.decode(body);
  } catch (cause) {
    throw new HttpError(400, `The request body is not valid ${encoding.encoding.toUpperCase()}.`, { cause });
  }
}

function encodingByPattern(first: number, second: number): TextDecoder | null {
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0)) return UTF_16_LE;
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c)) return UTF_16_BE;
  return first === 0x3c || first === 0xef ? UTF_8 : null;
}

function encodingByType(contentType: string | undefined): TextDecoder {
  const charset = /;\s*charset\s*=\s*"?(utf-16(?:le|be)?)/i.exec(contentType ?? '')?.[1]?.toLowerCase();
  if (charset === undefined) return UTF_8;
  // RFC 2781 §4.3: UTF-16 without byte order mark is big-endian.
  return charset === 'utf-16le' ? UTF_16_LE : UTF_16_BE;
}

function buildTree(text: string): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false, forceXMLVersion: true, defaultXMLVersion: '1.0' });
  const open: OpenElement[] = [];
  let root: XmlElement | null = null;
  let elements = 0;
  let attributes = 0;
  const addText = (piece: string) => {
    const siblings = open.at(-1)?.children;
    if (siblings === undefined || piece === '') return;
    const last = siblings.at(-1);
    if (typeof last === 'string') siblings[siblings.length - 1] = last + piece;
    else siblings.push(piece);
  };
  parser.on('error', (error) => {
    throw new HttpError(400, `The request body is not well-formed XML: ${error.message.slice(0, 200)}`);
  });
  parser.on('doctype', () => {
    throw new HttpError(400, 'The request body holds a DOCTYPE, which is not allowed.');
  });
  parser.on('opentagstart', () => {
    attributes = 0;
    if (++elements > XML_ELEMENTS_MAX) throw tooMuch(`more than ${XML_ELEMENTS_MAX} elements`);
    if (open.length >= XML_DEPTH_MAX) throw tooMuch(`elements nested deeper than ${XML_DEPTH_MAX}`);
  });
  parser.on('attribute', () => {
    if (++attributes > XML_ATTRIBUTES_MAX) throw tooMuch(`an element with more than ${XML_ATTRIBUTES_MAX} attributes`);
  });
  parser.on('opentag', (tag) => {
    const element = openElement(tag);
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.write(text).close();
  if (root === null) throw new HttpError(400, 'The request body holds no XML element.');
  return root;
}

function openElement(tag: SaxesTagNS): OpenElement {
  checkName(tag.local, tag.uri);
  const attributes: XmlAttribute[] = [];
  for (const attribute of Object.values(tag.attributes)) {
    if (!isDeclaration(attribute)) attributes.push(keptAttribute(attribute));
  }
  return { namespace: tag.uri, name: tag.local, prefix: tag.prefix, attributes, children: [] };
}

function isDeclaration({ prefix, local }: SaxesAttributeNS): boolean {
  return prefix === 'xmlns' || (prefix === '' && local === 'xmlns');
}

function keptAttribute({ uri, local, prefix, value }: SaxesAttributeNS): XmlAttribute {
  checkName(local, uri);
  return { namespace: uri, name: local, prefix, value };
}

function checkName(name: string, namespace: string): void {
  if (!NAME_START.test(name)) throw new HttpError(400, 'The request body is not well-formed XML: malformed name.');
  if (namespace.length > XML_NAMESPACE_LENGTH_MAX) {
    throw tooMuch(`a namespace name longer than ${XML_NAMESPACE_LENGTH_MAX} characters`);
  }
}

function tooMuch(what: string): HttpError {
  return new HttpError(400, `The XML body holds ${what}.`);
}
