import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const TESTS = fileURLToPath(new URL('..', import.meta.url));
/** Rows of the clients' requirements, R1 to R40. */
const ROWS = Array.from({ length: 40 }, (_, index) => `R${index + 1}`);
/** The title of a test or of a group of them, and what a row of a transcript says that it proves. */
const TITLE = /\b(?:test|it|describe)(?:\.each\([^\n]*\))?\(\s*(['"`])((?:(?!\1).)*)\1/gs;
const PROVES = /\bproves:\s*\[([^\]]*)\]/g;

const texts = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
  .map((name) => readFileSync(path.join(TESTS, name), 'utf8'));
const names = texts.flatMap((text) => [
  ...[...text.matchAll(TITLE)].map((match) => match[2]!),
  ...[...text.matchAll(PROVES)].map((match) => match[1]!),
]);

describe('what clients need', () => {
  test.each(ROWS)('there is a test that is named after %s', (row) => {
    expect(names.filter((name) => new RegExp(`\\b${row}\\b`).test(name))).not.toEqual([]);
  });
});
