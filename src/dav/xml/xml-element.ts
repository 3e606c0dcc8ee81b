/** The namespace of `xml:lang` and its like, bound to the prefix `xml` in every document (Namespaces in XML 1.0 §3). */
export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';
export const DAV_NAMESPACE = 'DAV:';

export interface XmlAttribute {
  /** Empty for an attribute without prefix: a default namespace does not reach attributes. */
  readonly namespace: string;
  readonly name: string;
  readonly value: string;
  /** As the client wrote it, empty for none: a wish that the serialiser may not be able to grant. */
  readonly prefix: string;
}

/** One element of a request body, with what RFC 4918 §4.3 asks to be kept of a property's value. */
export interface XmlElement {
  /** Empty for no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** As the client wrote it, empty or absent for none: a wish that the serialiser may not be able to grant. */
  readonly prefix?: string;
  /** Without namespace declarations. */
  readonly attributes: readonly XmlAttribute[];
  /** Elements and text in document order; neighbouring texts are one, comments and processing instructions are gone. */
  readonly children: readonly (XmlElement | string)[];
}

export function childElements(element: XmlElement): XmlElement[] {
  return element.children.filter((child): child is XmlElement => typeof child !== 'string');
}

/** The first child element of that name, or null. */
export function findChild(element: XmlElement, namespace: string, name: string): XmlElement | null {
  for (const child of element.children) {
    if (typeof child !== 'string' && child.name === name && child.namespace === namespace) return child;
  }
  return null;
}

/** The child elements of that name, in document order. */
export function findChildren(element: XmlElement, namespace: string, name: string): XmlElement[] {
  return childElements(element).filter((child) => child.name === name && child.namespace === namespace);
}

/** All text inside the element, at any depth, in document order, untrimmed. */
export function textOf(element: XmlElement): string {
  let text = '';
  for (const child of element.children) text += typeof child === 'string' ? child : textOf(child);
  return text;
}

/**
 * The language in scope at the last element of a way down from the root (XML 1.0 §2.12), or null. An empty `xml:lang`
 * ends the scope of an outer one.
 */
export function languageOf(way: readonly XmlElement[]): string | null {
  for (let index = way.length - 1; index >= 0; index--) {
    const language = way[index]?.attributes.find(
      ({ namespace, name }) => name === 'lang' && namespace === XML_NAMESPACE,
    );
    if (language !== undefined) return language.value === '' ? null : language.value;
  }
  return null;
}
