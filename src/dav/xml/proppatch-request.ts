import { HttpError } from '../../http-error.js';
import { parseXml } from './parse-xml.js';
import { checkNames, type PropertyName } from './property-name.js';
import { childElements, DAV_NAMESPACE, languageOf, XML_NAMESPACE, type XmlElement } from './xml-element.js';

export interface PropertySet {
  readonly action: 'set';
  readonly name: PropertyName;
  /** The property with its value; an `xml:lang` in scope stands on it (RFC 4918 §4.3). */
  readonly element: XmlElement;
}

export interface PropertyRemove {
  readonly action: 'remove';
  readonly name: PropertyName;
}

export type PropertyChange = PropertySet | PropertyRemove;

/**
 * Reads the body of a PROPPATCH (RFC 4918 §14.19): the changes in document order, which is the order to carry them out.
 * Throws HttpError 400 for a body that is not XML, is no `propertyupdate` or changes nothing; 413 for one that is too large.
 */
export function parseProppatch(body: Uint8Array, contentType?: string): PropertyChange[] {
  const root = parseXml(body, contentType);
  if (root.namespace !== DAV_NAMESPACE || root.name !== 'propertyupdate') {
    throw new HttpError(400, 'The body of a PROPPATCH must be a DAV: propertyupdate element.');
  }
  const changes = changesIn(root);
  if (changes.length === 0) throw new HttpError(400, 'The propertyupdate element changes no property.');
  return changes;
}

/**
 * Reads the body of an extended MKCOL (RFC 5689 §3): the properties to set on the new collection, in document order.
 * Throws HttpError 415 for XML that is no `mkcol` (RFC 4918 §9.3), 400 for malformed XML and for `remove`, 413 for a body that
 * is too large.
 */
export function parseMkcol(body: Uint8Array, contentType?: string): PropertySet[] {
  const root = parseXml(body, contentType);
  if (root.namespace !== DAV_NAMESPACE || root.name !== 'mkcol') {
    throw new HttpError(415, 'The body of a MKCOL must be a DAV: mkcol element, or be left out.');
  }
  const changes = changesIn(root);
  if (!changes.every((change): change is PropertySet => change.action === 'set')) {
    throw new HttpError(400, 'A new collection has no properties to remove.');
  }
  return changes;
}

function changesIn(root: XmlElement): PropertyChange[] {
  const changes: PropertyChange[] = [];
  for (const instruction of childElements(root)) {
    if (!isNamed(instruction, 'set') && !isNamed(instruction, 'remove')) continue;
    const props = childElements(instruction).filter((child) => isNamed(child, 'prop'));
    if (props.length === 0) throw new HttpError(400, `A ${instruction.name} element must hold a prop element.`);
    for (const prop of props) {
      for (const property of childElements(prop)) {
        changes.push(changeOf(instruction.name === 'set', property, [root, instruction, prop, property]));
      }
    }
  }
  checkNames(changes.map(({ name }) => name));
  return changes;
}

function changeOf(isSet: boolean, property: XmlElement, way: readonly XmlElement[]): PropertyChange {
  const name = { namespace: property.namespace, name: property.name };
  return isSet ? { action: 'set', name, element: withLanguage(property, languageOf(way)) } : { action: 'remove', name };
}

function withLanguage(property: XmlElement, language: string | null): XmlElement {
  if (language === null || languageOf([property]) === language) return property;
  const attribute = { namespace: XML_NAMESPACE, name: 'lang', prefix: 'xml', value: language };
  return { ...property, attributes: [...property.attributes, attribute] };
}

function isNamed(element: XmlElement, name: string): boolean {
  return element.name === name && element.namespace === DAV_NAMESPACE;
}
