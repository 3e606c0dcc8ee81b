import { SaxesParser } from 'saxes';

/** An element of an answer. Names are `{namespace}local`. */
export interface Xml {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Xml | string)[];
}

/** One `response`, with its propstats by status. */
export interface ResponsePart {
  readonly href: string;
  /** Of a response without propstats. */
  readonly status: number | null;
  /** Properties by status, in the order of the answer. */
  readonly propstats: readonly { readonly status: number; readonly props: ReadonlyMap<string, Xml> }[];
  /** The properties of the 200 propstat. */
  readonly props: ReadonlyMap<string, Xml>;
}

/** Parses well-formed XML with a parser of its own; throws for anything else. */
export function parseAnswer(text: string): Xml {
  const parser = new SaxesParser({ xmlns: true });
  type Open = Xml & { children: (Xml | string)[] };
  const open: Open[] = [];
  let root: Xml | null = null;
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => {
    const attributes: Record<string, string> = {};
    for (const { uri, local, prefix, value } of Object.values(tag.attributes)) {
      if (prefix !== 'xmlns' && local !== 'xmlns') attributes[uri === '' ? local : `{${uri}}${local}`] = value;
    }
    const element: Open = { name: `{${tag.uri}}${tag.local}`, attributes, children: [] };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('closetag', () => open.pop());
  parser.on('text', (piece) => void open.at(-1)?.children.push(piece));
  parser.write(text).close();
  return root!;
}

export function childrenOf(element: Xml | undefined, name?: string): Xml[] {
  const elements = (element?.children ?? []).filter((child): child is Xml => typeof child !== 'string');
  return name === undefined ? elements : elements.filter((child) => child.name === name);
}

export function textIn(element: Xml | undefined): string {
  return (element?.children ?? []).map((child) => (typeof child === 'string' ? child : textIn(child))).join('');
}

/** All elements of that name, at any depth. */
export function allOf(element: Xml, name: string): Xml[] {
  return childrenOf(element).flatMap((child) => [...(child.name === name ? [child] : []), ...allOf(child, name)]);
}

export function parseMultistatus(text: string): ResponsePart[] {
  const root = parseAnswer(text);
  if (root.name !== '{DAV:}multistatus') throw new Error(`a multistatus was expected, not ${root.name}`);
  return childrenOf(root, '{DAV:}response').map((response) => {
    const [own] = childrenOf(response, '{DAV:}status');
    const propstats = childrenOf(response, '{DAV:}propstat').map((propstat) => ({
      status: statusOf(childrenOf(propstat, '{DAV:}status')[0]),
      props: new Map(childrenOf(childrenOf(propstat, '{DAV:}prop')[0]).map((prop) => [prop.name, prop])),
    }));
    return {
      href: textIn(childrenOf(response, '{DAV:}href')[0]),
      status: own ? statusOf(own) : null,
      propstats,
      props: propstats.find(({ status }) => status === 200)?.props ?? new Map(),
    };
  });
}

function statusOf(element: Xml | undefined): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(textIn(element))?.[1]);
}

/** The hrefs of a multistatus, decoded. */
export function hrefsOf(text: string): string[] {
  return parseMultistatus(text).map(({ href }) => decodeURIComponent(href));
}

/** A PROPFIND body that asks for properties; a name without braces is one of `DAV:`. */
export function askFor(...names: string[]): string {
  const empty = names.map((name) => {
    const [, namespace = 'DAV:', local = name] = /^\{(.*)\}(.*)$/.exec(name) ?? [];
    return `<${local} xmlns="${namespace}"/>`;
  });
  return `<?xml version="1.0"?><propfind xmlns="DAV:"><prop>${empty.join('')}</prop></propfind>`;
}

/** A PROPPATCH body that sets (or with null removes) properties given by `{namespace}name` and ready content. */
export function change(values: Readonly<Record<string, string | null>>): string {
  const parts = Object.entries(values).map(([name, value]) => {
    const [, namespace = 'DAV:', local = name] = /^\{(.*)\}(.*)$/.exec(name) ?? [];
    const [tag, declaration] = namespace === '' ? [local, ''] : [`p:${local}`, ` xmlns:p="${namespace}"`];
    const element = `<${tag}${declaration}>${value ?? ''}</${tag}>`;
    const action = value === null ? 'remove' : 'set';
    return `<D:${action}><D:prop>${element}</D:prop></D:${action}>`;
  });
  return `<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:">${parts.join('')}</D:propertyupdate>`;
}
