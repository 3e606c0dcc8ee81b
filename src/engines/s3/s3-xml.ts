import { SaxesParser } from 'saxes';

/** The server's answers go four deep. */
const DEPTH_MAX = 16;

/** An answer that can't be what was asked for. */
export class S3AnswerError extends Error {
  override readonly name = 'S3AnswerError';
}

/** An element of an answer, by its local name: servers differ in the namespace. */
export interface AnswerElement {
  readonly name: string;
  readonly children: readonly AnswerElement[];
  /** Its own text, without that of its children. */
  readonly text: string;
}

type OpenElement = { name: string; children: AnswerElement[]; text: string };

/** Reads a whole answer. Throws `S3AnswerError` for whatever is no well-formed XML without a DOCTYPE. */
export function parseAnswer(body: string): AnswerElement {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: OpenElement[] = [];
  let root: AnswerElement | null = null;
  const fail = (why: string) => {
    throw new S3AnswerError(`the object storage sent no XML: ${why}`);
  };
  parser.on('error', (error) => fail(error.message));
  parser.on('doctype', () => fail('it has a DOCTYPE'));
  parser.on('opentag', ({ local }) => {
    if (open.length >= DEPTH_MAX) fail('it is nested too deep');
    const element = { name: local, children: [], text: '' };
    if (open.length === 0) root = element;
    else open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    open.pop();
  });
  const addText = (text: string) => {
    const element = open.at(-1);
    if (element) element.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.write(body.trimStart()).close();
  return root ?? fail('it is empty');
}

/** The text of a child. Throws `S3AnswerError` where there is none. */
export function need(element: AnswerElement, name: string): string {
  const text = find(element, name);
  if (text === null) throw new S3AnswerError(`the object storage's ${element.name} has no ${name}`);
  return text;
}

/** The text of a child, or null. */
export function find(element: AnswerElement, name: string): string | null {
  return element.children.find((child) => child.name === name)?.text ?? null;
}

export function findAll(element: AnswerElement, name: string): AnswerElement[] {
  return element.children.filter((child) => child.name === name);
}

/** Throws `S3AnswerError` unless the answer is of that name. */
export function expectRoot(root: AnswerElement, name: string): AnswerElement {
  if (root.name === name) return root;
  throw new S3AnswerError(`the object storage sent ${root.name} instead of ${name}`);
}

/** The body of a CompleteMultipartUpload, the parts in their order. */
export function completeBody(etags: readonly string[]): string {
  const parts = etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeText(etag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="${NAMESPACE}">${parts.join('')}</CompleteMultipartUpload>`;
}

/** The body of a DeleteObjects that names in its answer only what failed. */
export function deleteBody(keys: readonly string[]): string {
  const objects = keys.map((key) => `<Object><Key>${escapeText(key)}</Key></Object>`);
  return `<Delete xmlns="${NAMESPACE}"><Quiet>true</Quiet>${objects.join('')}</Delete>`;
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
