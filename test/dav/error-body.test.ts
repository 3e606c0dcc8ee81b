import { describe, expect, test } from 'vitest';
import { conditionElement, renderErrorBody } from '../../src/dav/error-body.js';
import { parseXml } from '../../src/dav/xml/parse-xml.js';
import { findChild, textOf } from '../../src/dav/xml/xml-element.js';
import { HttpError } from '../../src/http-error.js';

const SABRE = 'http://sabredav.org/ns';

describe('RFC 4918 §16 — the body of an error', () => {
  test('condition, hrefs, sentence and request id', () => {
    const error = new HttpError(423, 'The file is locked.', {
      condition: 'lock-token-submitted',
      hrefs: ['/a%20b', '/c&d'],
    });
    expect(renderErrorBody(error, 'r-1')).toBe(
      '<?xml version="1.0" encoding="utf-8"?>\n' +
        '<D:error xmlns:D="DAV:" xmlns:F="urn:firn" xmlns:s="http://sabredav.org/ns">' +
        '<D:lock-token-submitted><D:href>/a%20b</D:href><D:href>/c&amp;d</D:href></D:lock-token-submitted>' +
        '<s:exception>Sabre\\DAV\\Exception\\Locked</s:exception><s:message>The file is locked.</s:message>' +
        '<F:message>The file is locked.</F:message><F:request-id>r-1</F:request-id></D:error>',
    );
  });

  test('without a condition, for a status that sabre/dav has no class for', () => {
    const body = renderErrorBody(new HttpError(418, 'No.'), 'r');
    expect(body).toContain('<s:exception>Sabre\\DAV\\Exception</s:exception>');
    expect(conditionElement(null)).toBe('');
    expect(conditionElement('propfind-finite-depth')).toBe('<D:propfind-finite-depth/>');
  });

  test('everything is escaped', () => {
    const message = '<b> & "x" \u0000 \ud800 ]]>';
    const root = parseXml(Buffer.from(renderErrorBody(new HttpError(400, message), '<id>')));
    const expected = '<b> & "x" \ufffd \ufffd ]]>';
    expect(textOf(findChild(root, SABRE, 'message')!)).toBe(expected);
    expect(textOf(findChild(root, 'urn:firn', 'message')!)).toBe(expected);
    expect(textOf(findChild(root, 'urn:firn', 'request-id')!)).toBe('<id>');
  });
});

test('STYLE — the cause is kept', () => {
  const cause = new Error('below');
  expect(new HttpError(500, 'x', { cause }).cause).toBe(cause);
  expect('cause' in new HttpError(500, 'x')).toBe(false);
  expect(new HttpError(503, 'x', { headers: { 'Retry-After': '1' } }).headers).toEqual({ 'Retry-After': '1' });
});
