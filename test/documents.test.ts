import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A page that code, tests and other pages cite, and the marks that it has. */
interface CitedPage {
  readonly file: string;
  /** What a mark looks like in the page; the first group is the mark as it is cited. */
  readonly marks: readonly RegExp[];
}

const SECTIONS = /^#{2,4} (\d+(?:\.\d+b?)?)\.? /gm;
const PAGES: Readonly<Record<string, CitedPage>> = {
  PRODUCT: { file: 'docs/PRODUCT.md', marks: [/^\| ([A-Z]\d+) \|/gm, SECTIONS] },
  'client-requirements': { file: 'docs/client-requirements.md', marks: [/^\| (R\d+) \|/gm, SECTIONS] },
  ARCHITECTURE: { file: 'docs/ARCHITECTURE.md', marks: [/^## (.+)$/gm, /^(\d+)\. /gm] },
  'storage/README': { file: 'storage/README.md', marks: [/^## (.+)$/gm, /^\| (\d+) \|/gm] },
  STYLE: { file: 'docs/STYLE.md', marks: [/^\*\*(.+?)\.\*\*/gm] },
  PITFALLS: { file: 'docs/PITFALLS.md', marks: [/^## (.+)$/gm] },
};

const MARK = String.raw`(?:[A-Z]\d+|§?\d+(?:\.\d+b?)?|invariant \d+|"[^"\n]+")`;
const CITATION = new RegExp(
  String.raw`(?<![\w./-])(${Object.keys(PAGES).join('|')}) (${MARK}(?:(?:, |–| and )${MARK})*)`,
  'g',
);
/** A word in capitals before a mark looks like a page; those of Microsoft (MS-WDV) and ZIP (APPNOTE) are others'. */
const NAMED_PAGE = /(?<![\w./-])(?!MS-|APPNOTE)([A-Z][A-Z-]{5,}) (?:[A-Z]\d+\b|§\d|\d+\.\d|invariant \d)/g;
/** Of the transcripts: the requirements that a row shows, and the section that it was taken from. */
const SHOWN = /\b(?:proves: \[([^\]]*)\]|section: ('[\d.]+b?'))/g;

interface Text {
  readonly name: string;
  readonly text: string;
}

const texts = [
  ...textsBelow('src', /\.tsx?$/),
  ...textsBelow('test', /\.ts$/),
  ...textsBelow('bench', /\.(js|md)$/),
  ...textsBelow('docs', /\.md$/),
  ...['README.md', 'CONTRIBUTING.md', 'storage/README.md'].map(read),
].filter(({ name }) => !name.includes('node_modules') && name !== 'test/documents.test.ts');

function textsBelow(folder: string, pattern: RegExp): Text[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.split(path.sep).join('/')}`)
    .filter((name) => pattern.test(name))
    .map(read);
}

function read(name: string): Text {
  return { name, text: readFileSync(path.join(ROOT, name), 'utf8') };
}

/** Without what surrounds it: `§10`, `invariant 3` and `"Names"` are marks `10`, `3` and `Names`. */
function bare(mark: string): string {
  return mark.replace(/^§|^invariant |"/g, '');
}

function marksOf({ file, marks }: CitedPage): Set<string> {
  const { text } = read(file);
  return new Set(marks.flatMap((mark) => [...text.matchAll(mark)].map((match) => match[1]!)).map((mark) => bare(mark)));
}

describe('marks', () => {
  const known = new Map(Object.entries(PAGES).map(([page, cited]) => [page, marksOf(cited)]));

  function missing(page: string, marks: Iterable<string>): string[] {
    return [...marks].filter((mark) => !known.get(page)!.has(bare(mark))).map((mark) => `${page} ${mark}`);
  }

  test('the pages have marks at all', () => {
    expect([...known].filter(([, marks]) => marks.size < 3)).toEqual([]);
    expect(missing('PRODUCT', ['D4', '§10', 'D99'])).toEqual(['PRODUCT D99']);
    expect([...'ARCHITECTURE "Arrows", PRODUCT U1–U4'.matchAll(CITATION)].map((match) => match[2])).toEqual([
      '"Arrows"',
      'U1–U4',
    ]);
  });

  test('every mark that is cited stands in its page', () => {
    const wrong = texts.flatMap(({ name, text }) =>
      [...text.matchAll(CITATION)]
        .flatMap((match) => missing(match[1]!, match[2]!.match(new RegExp(MARK, 'g'))!))
        .map((citation) => `${name}: ${citation}`),
    );
    expect(wrong).toEqual([]);
  });

  test('what looks like a page with marks is one', () => {
    const wrong = texts.flatMap(({ name, text }) =>
      [...text.matchAll(NAMED_PAGE)].filter((match) => !(match[1]! in PAGES)).map((match) => `${name}: ${match[0]}`),
    );
    expect(wrong).toEqual([]);
  });

  test('a transcript names requirements and sections that there are', () => {
    const wrong = texts
      .filter(({ name }) => name.startsWith('test/clients/'))
      .flatMap(({ name, text }) =>
        [...text.matchAll(SHOWN)].flatMap((match) =>
          missing('client-requirements', (match[1] ?? match[2]!).match(/[R\d][\d.]*b?/g) ?? []).map(
            (citation) => `${name}: ${citation}`,
          ),
        ),
      );
    expect(wrong).toEqual([]);
  });
});

test('links between pages lead to files', () => {
  const wrong = texts
    .filter(({ name }) => name.endsWith('.md'))
    .flatMap(({ name, text }) =>
      [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => match[1]!)
        .filter((link) => !existsSync(path.join(ROOT, path.dirname(name), link)))
        .map((link) => `${name} → ${link}`),
    );
  expect(wrong).toEqual([]);
});
