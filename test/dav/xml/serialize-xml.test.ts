import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { MULTISTATUS_CLOSE, MULTISTATUS_OPEN } from '../../../src/dav/xml/multistatus.js';
import { parseXml } from '../../../src/dav/xml/parse-xml.js';
import {
  escapeAttribute,
  escapeText,
  serializeContent,
  serializeElement,
  withinAnswer,
} from '../../../src/dav/xml/serialize-xml.js';
import { XML_NAMESPACE, type XmlAttribute, type XmlElement } from '../../../src/dav/xml/xml-element.js';

const parse = (text: string) => parseXml(Buffer.from(text));

describe('escaping', () => {
  test.each([
    ['plain grün', 'plain grün'],
    ['a & b', 'a &amp; b'],
    ['<a>', '&lt;a&gt;'],
    [']]>', ']]&gt;'],
    ['"\'', '"\''],
    ['a\tb\nc', 'a\tb\nc'],
    ['a\rb', 'a&#13;b'],
    ['😀', '😀'],
    ['a\u0000b\u0001\u001f', 'a\ufffdb\ufffd\ufffd'],
    ['\ud800', '\ufffd'],
    ['\udc00😀\ud800', '\ufffd😀\ufffd'],
    ['\ufffe\uffff', '\ufffd\ufffd'],
    ['\u007f\u0085', '\u007f\u0085'],
  ])('text %j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  test('an attribute’s quotes, tabs and line ends survive a parser', () => {
    expect(escapeAttribute('"\t\n\r<&>\'')).toBe("&quot;&#9;&#10;&#13;&lt;&amp;&gt;'");
    expect(escapeAttribute('a\u0000\ud800😀')).toBe('a\ufffd\ufffd😀');
  });

  test('one test after the other gives the same (no state in the patterns)', () => {
    for (let round = 0; round < 3; round++) expect([escapeText('a&'), escapeText('&')]).toEqual(['a&amp;', '&amp;']);
  });
});

describe('serializeElement', () => {
  test.each([
    ['default namespace becomes a prefix', '<a xmlns="urn:x"><b/></a>', '<ns0:a xmlns:ns0="urn:x"><ns0:b/></ns0:a>'],
    ['RFC 4918 §4.3 the prefix stays', '<x:a xmlns:x="urn:x">t</x:a>', '<x:a xmlns:x="urn:x">t</x:a>'],
    ['DAV: is D', '<href xmlns="DAV:">x</href>', '<D:href xmlns:D="DAV:">x</D:href>'],
    ['D for something else is not', '<D:a xmlns:D="urn:x"/>', '<ns0:a xmlns:ns0="urn:x"/>'],
    ['no namespace', '<a b="1"/>', '<a xmlns="" b="1"/>'],
    ['no namespace inside', '<x:a xmlns:x="urn:x"><b/></x:a>', '<x:a xmlns:x="urn:x" xmlns=""><b/></x:a>'],
    [
      'declarations stand outside, once',
      '<r xmlns="urn:r"><x:a xmlns:x="urn:x"/><y:a xmlns:y="urn:x"/></r>',
      '<ns0:r xmlns:ns0="urn:r" xmlns:x="urn:x"><x:a/><x:a/></ns0:r>',
    ],
    [
      'one prefix for two namespaces',
      '<x:a xmlns:x="urn:1"><x:b xmlns:x="urn:2"/></x:a>',
      '<x:a xmlns:x="urn:1" xmlns:ns1="urn:2"><ns1:b/></x:a>',
    ],
    [
      'a prefix that looks made up',
      '<ns1:a xmlns:ns1="urn:1"><b xmlns="urn:2"/></ns1:a>',
      '<ns1:a xmlns:ns1="urn:1" xmlns:ns2="urn:2"><ns2:b/></ns1:a>',
    ],
    [
      'attributes',
      '<a xmlns="urn:x" xmlns:y="urn:y" xml:lang="de" y:k="1" k="2&#10;"/>',
      '<ns0:a xmlns:ns0="urn:x" xmlns:y="urn:y" xml:lang="de" y:k="1" k="2&#10;"/>',
    ],
    ['mixed content', '<x:a xmlns:x="urn:x"> t<x:b/>&amp; </x:a>', '<x:a xmlns:x="urn:x"> t<x:b/>&amp; </x:a>'],
  ])('%s', (_rule, input, output) => {
    expect(serializeElement(parse(input))).toBe(output);
  });

  test('the content of an owner: each element stands for itself', () => {
    const owner = parse('<owner xmlns="DAV:">a &amp; <href>x</href><b xmlns="urn:x"/></owner>');
    expect(serializeContent(owner, 100)).toBe('a &amp; <D:href xmlns:D="DAV:">x</D:href><ns0:b xmlns:ns0="urn:x"/>');
    expect(serializeContent(parse('<owner xmlns="DAV:"/>'), 0)).toBe('');
  });
});

describe('withinAnswer', () => {
  test.each([
    ['what the root declares', '<Z:a xmlns:Z="urn:schemas-microsoft-com:">1</Z:a>', '<Z:a>1</Z:a>'],
    ['several', '<D:a xmlns:D="DAV:" xmlns:x="urn:x"><x:b/></D:a>', '<D:a xmlns:x="urn:x"><x:b/></D:a>'],
    ['each element of an owner', 'me <D:href xmlns:D="DAV:">x</D:href>', 'me <D:href>x</D:href>'],
    [
      'text that looks like one stays',
      '<x:a xmlns:x="urn:x"> xmlns:D="DAV:" </x:a>',
      '<x:a xmlns:x="urn:x"> xmlns:D="DAV:" </x:a>',
    ],
    ['no namespace', '<a xmlns="" b="1"/>', '<a xmlns="" b="1"/>'],
  ])('client-requirements R19 — the root of an answer declares its prefixes alone: %s', (_rule, stored, written) => {
    expect(withinAnswer(stored)).toBe(written);
  });
});

describe('properties', () => {
  const name = fc.constantFrom('a', 'b', 'ü', '_x', 'toString', '__proto__');
  const namespace = fc.constantFrom('', 'DAV:', 'urn:x', 'urn:y"&<', 'http://owncloud.org/ns', 'x y');
  const prefix = fc.constantFrom('', 'D', 'x', 'ns0', 'ns1', 'oc', 's', 'xmlx');
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
    .map((value) => value.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, ''));
  const attribute: fc.Arbitrary<XmlAttribute> = fc.record({
    namespace: fc.oneof(namespace, fc.constant(XML_NAMESPACE)),
    name,
    value: fc.oneof(text, fc.constantFrom('', '\t\n\r "<&>\'')),
    prefix,
  });
  const attributes = fc.uniqueArray(attribute, { selector: (one) => `${one.namespace} ${one.name}`, maxLength: 4 });
  const { element } = fc.letrec<{ element: XmlElement }>((tie) => ({
    element: fc.record({
      namespace,
      name,
      prefix,
      attributes,
      children: fc.array(fc.oneof({ depthSize: 'small' }, text, tie('element')), { maxLength: 4 }),
    }),
  }));

  /** What an element means: no prefixes, neighbouring texts joined, attributes in no order. */
  function meaning({ namespace: space, name: local, attributes: all, children }: XmlElement): unknown {
    const content: unknown[] = [];
    for (const child of children) {
      const last = content.at(-1);
      if (typeof child !== 'string') content.push(meaning(child));
      else if (typeof last === 'string') content[content.length - 1] = last + child;
      else if (child !== '') content.push(child);
    }
    return [space, local, all.map((one) => `${one.namespace} ${one.name} ${one.value}`).sort(), content];
  }

  test('parse ∘ serialize is the identity in meaning', () => {
    fc.assert(
      fc.property(element, (tree) => {
        expect(meaning(parse(serializeElement(tree)))).toEqual(meaning(tree));
      }),
      { numRuns: 1000 },
    );
  });

  test('serialize ∘ parse settles after one round', () => {
    fc.assert(
      fc.property(element, (tree) => {
        const once = serializeElement(parse(serializeElement(tree)));
        expect(serializeElement(parse(once))).toBe(once);
      }),
    );
  });

  test('client-requirements R19 — inside a multistatus it means the same', () => {
    fc.assert(
      fc.property(element, (tree) => {
        const root = parse(MULTISTATUS_OPEN + withinAnswer(serializeElement(tree)) + MULTISTATUS_CLOSE);
        expect(meaning(root.children[0] as XmlElement)).toEqual(meaning(tree));
      }),
    );
  });

  test('any text survives as text and as attribute, or becomes U+FFFD', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), (value, at) => {
        const broken = `${value.slice(0, at % 5)}\ud800\u0000${value.slice(at % 5)}`;
        const expected = broken.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]/gu, '\ufffd');
        const root = parse(`<r a="${escapeAttribute(broken)}">${escapeText(broken)}</r>`);
        expect(root.children).toEqual([expected]);
        expect(root.attributes[0]?.value).toBe(expected);
      }),
    );
  });
});

describe('security 2 — the work grows with the element alone', () => {
  /** Elements that take the very prefixes that would be made up, and as many that need one made up. */
  const colliding = (count: number) => {
    const takes = Array.from({ length: count }, (_, i) => `<ns${count + i}:a xmlns:ns${count + i}="u${i}"/>`);
    const needs = Array.from({ length: count }, (_, i) => `<a xmlns="v${i}"/>`);
    return parse(`<r>${takes.join('')}${needs.join('')}</r>`);
  };

  test('prefixes that a client has taken are looked at once', () => {
    const element = colliding(2000);
    const has = vi.spyOn(Set.prototype, 'has');
    const text = serializeElement(element);
    const looks = has.mock.calls.length;
    has.mockRestore();
    expect(looks).toBeLessThan(8 * 4000);
    const prefixes = [...text.slice(0, text.indexOf('>')).matchAll(/ xmlns:([^=]+)=/g)].map(([, prefix]) => prefix);
    expect(new Set(prefixes).size).toBe(4000);
  });

  test('content is written up to its limit and no further, however often a namespace has to be declared', () => {
    const element = parse(`<r xmlns:x="${'n'.repeat(1000)}">${'<x:a/>'.repeat(5000)}</r>`);
    const replace = vi.spyOn(Map.prototype, 'set');
    expect(serializeContent(element, 10_000)).toBeNull();
    const written = replace.mock.calls.length;
    replace.mockRestore();
    expect(written).toBeLessThan(20);
  });
});
