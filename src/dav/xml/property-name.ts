import { HttpError } from '../../http-error.js';
import { missingProperty } from './multistatus.js';
import { childElements, type XmlElement } from './xml-element.js';

export interface PropertyName {
  /** Empty for no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** The most that any client asks for is about forty; each comes back for each member, so the answer multiplies. */
export const PROPERTY_NAMES_MAX = 1000;
/**
 * The names of a request as an answer has them, each with its namespace: namespace and number are both small, their
 * product isn't. Forty names of the longest namespaces in use take 3 KiB.
 */
const PROPERTY_NAMES_BYTES_MAX = 16 * 1024;

/** One text for each name, fit as the key of a map (James Clark's notation). */
export function propertyKey({ namespace, name }: PropertyName): string {
  return `{${namespace}}${name}`;
}

/**
 * The names of the elements inside the `prop` or `include` elements, each once, in document order. ownCloud's iOS library
 * sends a `prop` for each property. Throws HttpError 400 over the limits.
 */
export function propertyNamesIn(elements: readonly XmlElement[]): PropertyName[] {
  const names = new Map<string, PropertyName>();
  for (const element of elements) {
    for (const { namespace, name } of childElements(element)) {
      // A map keeps the place of a key's first arrival.
      names.set(propertyKey({ namespace, name }), { namespace, name });
    }
  }
  const found = [...names.values()];
  checkNames(found);
  return found;
}

/** Throws HttpError 400 for more names, or more bytes of them, than an answer may repeat. */
export function checkNames(names: readonly PropertyName[]): void {
  if (names.length > PROPERTY_NAMES_MAX) {
    throw new HttpError(400, `The request names more than ${PROPERTY_NAMES_MAX} properties.`);
  }
  let bytes = 0;
  for (const name of names) {
    bytes += Buffer.byteLength(missingProperty(name));
    // At once: the rest of a thousand long ones takes 100 ms to write.
    if (bytes > PROPERTY_NAMES_BYTES_MAX) throw tooLong();
  }
}

function tooLong(): HttpError {
  const limit = `${PROPERTY_NAMES_BYTES_MAX / 1024} KiB`;
  return new HttpError(
    400,
    `The names of the properties, each with its namespace, take more than ${limit}. Ask for fewer.`,
  );
}
