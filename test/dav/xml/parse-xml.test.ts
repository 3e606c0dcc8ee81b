import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isBlankBody,
  parseXml,
  XML_ATTRIBUTES_MAX,
  XML_BODY_BYTES_MAX,
  XML_DEPTH_MAX,
  XML_ELEMENTS_MAX,
} from '../../../src/dav/xml/parse-xml.js';
import { childElements, findChild, languageOf, textOf } from '../../../src/dav/xml/xml-element.js';
import { refusal, resultOrRefusal } from '../refusal.js';

const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding);
const parse = (text: string) => parseXml(bytes(text));

function bigEndian(text: string): Buffer {
  return bytes(text, 'utf16le').swap16();
}

describe('the tree', () => {
  test('namespaces are resolved, prefixes and declarations set aside', () => {
    const root = parse('<a:r xmlns:a="DAV:" xmlns="urn:x" k="1" a:k="2" xml:lang="de"><c/><n xmlns=""/></a:r>');
    expect(root).toEqual({
      namespace: 'DAV:',
      name: 'r',
      prefix: 'a',
      attributes: [
        { namespace: '', name: 'k', prefix: '', value: '1' },
        { namespace: 'DAV:', name: 'k', prefix: 'a', value: '2' },
        { namespace: 'http://www.w3.org/XML/1998/namespace', name: 'lang', prefix: 'xml', value: 'de' },
      ],
      children: [
        { namespace: 'urn:x', name: 'c', prefix: '', attributes: [], children: [] },
        { namespace: '', name: 'n', prefix: '', attributes: [], children: [] },
      ],
    });
  });

  test('text, references and CDATA are one text; comments and instructions are gone', () => {
    expect(parse('<r>a&lt;&#x42;<!-- x --><![CDATA[<c>]]><?pi x?>d\r\n</r>').children).toEqual(['a<B<c>d\n']);
  });

  test('helpers find by namespace and name', () => {
    const root = parse('<r xmlns:x="urn:x">a<b/>c<x:b>d<e>f</e></x:b></r>');
    expect(childElements(root).map(({ namespace }) => namespace)).toEqual(['', 'urn:x']);
    expect(findChild(root, 'urn:x', 'b')).toBe(root.children[3]);
    expect(findChild(root, 'urn:y', 'b')).toBeNull();
    expect(textOf(root)).toBe('acdf');
  });

  test('XML 1.0 §2.12 — the nearest xml:lang is in scope, an empty one ends it', () => {
    const outer = parse('<r xml:lang="de"/>');
    const inner = parse('<r xml:lang="en"/>');
    const empty = parse('<r xml:lang=""/>');
    const plain = parse('<r lang="fr"/>');
    expect(languageOf([outer, plain])).toBe('de');
    expect(languageOf([outer, inner, plain])).toBe('en');
    expect(languageOf([outer, empty, plain])).toBeNull();
    expect(languageOf([plain])).toBeNull();
  });
});

describe('client-requirements R24 — what clients send', () => {
  const xml = '<?xml version="1.0" encoding="utf-16"?><r>grün 😀</r>';
  test.each<[string, Buffer, string | undefined]>([
    ['UTF-8', bytes('<r>grün 😀</r>'), undefined],
    ['UTF-8 with byte order mark', bytes('\ufeff<r>grün 😀</r>'), undefined],
    ['UTF-8 that claims to be UTF-16 (.NET)', bytes(xml), 'text/xml; charset="utf-16"'],
    ['UTF-8 called Latin-1', bytes('<r>grün 😀</r>'), 'text/xml; charset=iso-8859-1'],
    ['UTF-16 LE with byte order mark (BitKinex)', bytes(`\ufeff${xml}`, 'utf16le'), undefined],
    ['UTF-16 BE with byte order mark', bigEndian(`\ufeff${xml}`), undefined],
    ['UTF-16 LE without', bytes(xml, 'utf16le'), undefined],
    ['UTF-16 BE without', bigEndian(xml), undefined],
    ['UTF-16 LE by its type', bytes('\n<r>grün 😀</r>', 'utf16le'), 'text/xml; charset=UTF-16LE'],
    ['UTF-16 BE by its type', bigEndian('\n<r>grün 😀</r>'), 'text/xml;charset=utf-16'],
  ])('%s', (_form, body, contentType) => {
    expect(textOf(parseXml(body, contentType))).toBe('grün 😀');
  });

  test('stray text between elements is tolerated (ownCloud 2.11)', () => {
    const root = parse('<d:propfind xmlns:d="DAV:"><d:prop></d:prop>M</d:propfind>');
    expect(findChild(root, 'DAV:', 'prop')).not.toBeNull();
  });

  test('white space around the root is tolerated', () => {
    expect(parse('\r\n <r/>\n\n').name).toBe('r');
  });

  test('a body of white space is none', () => {
    expect(isBlankBody(null)).toBe(true);
    expect(isBlankBody(bytes(''))).toBe(true);
    expect(isBlankBody(bytes(' \r\n\t'))).toBe(true);
    expect(isBlankBody(bytes(' x'))).toBe(false);
  });
});

describe('what is not well-formed is 400', () => {
  test.each([
    '',
    '   ',
    'text',
    '<r>',
    '<r',
    '</r>',
    '<r></s>',
    '<r/><r/>',
    '<r/>x',
    'x<r/>',
    '<r a=1/>',
    '<r a="1" a="2"/>',
    '<r xmlns:a="urn:x" xmlns:b="urn:x" a:k="1" b:k="2"/>',
    '<r>&nbsp;</r>',
    '<r>&</r>',
    '<r>&#0;</r>',
    '<r>&#xD800;</r>',
    '<r>\u0001</r>',
    '<r>]]></r>',
    '<x:r/>',
    '<r x:a="1"/>',
    '<b:r xmlns:b=""/>',
    '<r xmlns:xml="urn:x"/>',
    '<r xmlns="http://www.w3.org/2000/xmlns/"/>',
    '<1r/>',
    '<a:1 xmlns:a="urn:x"/>',
    '<r xmlns:a="urn:x" a:-="1"/>',
    '<a:b:c xmlns:a="urn:x"/>',
    '<r><!-- -- --></r>',
    '<?xml version="2.0"?><r/>',
    '<?xml version="1.0" encoding="x y"?><r/>',
  ])('%j', (text) => {
    expect(refusal(() => parse(text)).status).toBe(400);
  });

  test('XML 1.1 does not bring control characters in', () => {
    expect(refusal(() => parse('<?xml version="1.1"?><r>&#1;</r>')).status).toBe(400);
  });

  test.each([
    ['invalid UTF-8', Buffer.from([0x3c, 0x72, 0x3e, 0xff, 0x3c, 0x2f, 0x72, 0x3e])],
    ['overlong UTF-8', Buffer.from([0x3c, 0x72, 0x3e, 0xc0, 0xbc, 0x3c, 0x2f, 0x72, 0x3e])],
    ['Latin-1', Buffer.from('<?xml version="1.0" encoding="iso-8859-1"?><r>grün</r>', 'latin1')],
    ['half a character of UTF-16', Buffer.concat([Buffer.from('\ufeff<r/>', 'utf16le'), Buffer.from([0x20])])],
    ['a lone surrogate in UTF-16', Buffer.from('<r>\ud800</r>', 'utf16le')],
  ])('%s', (_rule, body) => {
    expect(refusal(() => parseXml(body)).status).toBe(400);
  });

  test('the sentence names what is wrong, and no more than a little of the body', () => {
    const error = refusal(() => parse(`<${'a'.repeat(100_000)}:b/>`));
    expect(error.message).toMatch(/^The request body is not well-formed XML: /);
    expect(error.message.length).toBeLessThan(400);
  });
});

describe('PITFALLS — attacks are refused quickly', () => {
  const entities = Array.from({ length: 20 }, (_, level) => `<!ENTITY e${level + 1} "${`&e${level};`.repeat(10)}">`);
  test.each([
    ['entity bomb', `<!DOCTYPE r [<!ENTITY e0 "lol">${entities.join('')}]><r>&e20;</r>`],
    ['external entity', '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'],
    ['parameter entity', '<!DOCTYPE r [<!ENTITY % x SYSTEM "http://127.0.0.1/"> %x;]><r/>'],
    ['DOCTYPE alone', '<!DOCTYPE r><r/>'],
    ['DOCTYPE in capitals and public', '<!DOCTYPE r PUBLIC "-//X" "http://x/"><r/>'],
    ['endless DOCTYPE', `<!DOCTYPE r [${'<!ENTITY a "b">'.repeat(50_000)}`],
    ['deep nesting', '<r>'.repeat(300_000)],
    ['deep and closed', `${'<r>'.repeat(XML_DEPTH_MAX + 1)}${'</r>'.repeat(XML_DEPTH_MAX + 1)}`],
    ['many attributes', `<r ${Array.from({ length: 80_000 }, (_, index) => `a${index}="1"`).join(' ')}/>`],
    ['many namespaces', `<r ${Array.from({ length: 50_000 }, (_, index) => `xmlns:a${index}="u"`).join(' ')}/>`],
    ['many elements', `<r>${'<a/>'.repeat(200_000)}</r>`],
    ['long namespace', `<r xmlns="${'u'.repeat(500_000)}"/>`],
    ['long name', `<${'r'.repeat(500_000)}`],
    ['open comment', `<r><!--${'-a'.repeat(250_000)}`],
    ['open entity', `<r>&${'a'.repeat(500_000)}`],
  ])('%s', (_attack, text) => {
    const started = performance.now();
    expect(refusal(() => parse(text)).status).toBe(400);
    // Some milliseconds; what grows with the square of the length takes minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('a body over the limit is 413', () => {
    expect(refusal(() => parseXml(new Uint8Array(XML_BODY_BYTES_MAX + 1))).status).toBe(413);
    expect(refusal(() => parseXml(new Uint8Array(XML_BODY_BYTES_MAX).fill(0x20))).status).toBe(400);
  });

  test('the limits themselves are allowed', () => {
    const attributes = Array.from({ length: XML_ATTRIBUTES_MAX }, (_, index) => `a${index}="1"`).join(' ');
    expect(parse(`<r ${attributes}/>`).attributes).toHaveLength(XML_ATTRIBUTES_MAX);
    expect(parse(`${'<r>'.repeat(XML_DEPTH_MAX)}${'</r>'.repeat(XML_DEPTH_MAX)}`).name).toBe('r');
    expect(parse(`<r>${'<a/>'.repeat(XML_ELEMENTS_MAX - 1)}</r>`).children).toHaveLength(XML_ELEMENTS_MAX - 1);
  });

  test('attributes are counted for each element alone', () => {
    expect(parse(`<r>${'<a k="1" l="2"/>'.repeat(1000)}</r>`).children).toHaveLength(1000);
  });

  test('names of JavaScript’s own are names like others', () => {
    const root = parse(
      '<__proto__ constructor="1" __proto__="2" xmlns:__proto__="urn:x"><__proto__:toString/></__proto__>',
    );
    expect(root.attributes.map(({ name }) => name)).toEqual(['constructor', '__proto__']);
    expect(childElements(root)[0]).toMatchObject({ namespace: 'urn:x', name: 'toString' });
  });
});

describe('properties', () => {
  test('arbitrary bytes give a tree or a HttpError 400', () => {
    const tokens = fc.constantFrom(
      '<',
      '>',
      '</',
      '/>',
      '<a>',
      '</a>',
      '<a ',
      'b="c"',
      '&lt;',
      '&',
      ';',
      '<![CDATA[',
      ']]>',
      '<!--',
      '-->',
      '<?xml ',
      '<!DOCTYPE',
      '?>',
      'xmlns="u"',
      'xmlns:p="v"',
      'p:q',
      ' ',
      'ü',
      '\u0000',
      '\ufeff',
      '\ufffe',
    );
    const soup = fc.array(tokens, { maxLength: 30 }).map((all) => all.join(''));
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      soup.map((text) => bytes(text)),
      soup.map((text) => bytes(`<a>${text}</a>`)),
      soup.map((text) => bytes(text, 'utf16le')),
    );
    const types = fc.constantFrom(
      undefined,
      'text/xml',
      'text/xml; charset=utf-16',
      'text/xml; charset="utf-16le"',
      ';;charset=',
    );
    fc.assert(
      fc.property(bodies, types, (body, type) => {
        const result = resultOrRefusal(() => parseXml(body, type));
        if (result instanceof Error) expect(result.status).toBe(400);
        else expect(result.name).not.toBe('');
      }),
      { numRuns: 3000 },
    );
  });
});
