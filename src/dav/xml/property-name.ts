import { DavError } from '../dav-error.js';
import { childElements, type XmlElement } from './xml-element.js';

export interface PropertyName {
  /** Empty for no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** The most that any client asks for is about forty; each comes back for each member, so the answer multiplies. */
export const PROPERTY_NAMES_MAX = 1000;

/** One text for each name, fit as the key of a map (James Clark's notation). */
export function propertyKey({ namespace, name }: PropertyName): string {
  return `{${namespace}}${name}`;
}

/** The names of the elements inside `prop` or `include`, each once, in document order. Throws DavError 400 over the limit. */
export function propertyNamesIn(element: XmlElement): PropertyName[] {
  const names = new Map<string, PropertyName>();
  for (const { namespace, name } of childElements(element)) {
    // A map keeps the place of a key's first arrival.
    names.set(propertyKey({ namespace, name }), { namespace, name });
  }
  if (names.size > PROPERTY_NAMES_MAX) {
    throw new DavError(400, `The request names more than ${PROPERTY_NAMES_MAX} properties.`);
  }
  return [...names.values()];
}
