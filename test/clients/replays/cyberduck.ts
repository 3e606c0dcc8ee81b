import { lockinfo, proppatch, QUOTA } from './bodies.js';
import { allSet, body, continued, header, isCollection, lists, locked, props, quota } from './checks.js';
import { isMissing, LOCK_TOKEN, reads } from './steps.js';
import type { Transcript } from './transcript.js';

const XML = { 'Content-Type': 'text/xml; charset=utf-8' };
const DATE = 'Wed, 01 Jan 2020 10:00:00 GMT';
const SERVER_DATE = 'Sun, 22 Nov 2026 19:14:25 GMT';
export const SAR_DATES = proppatch('SAR:', { lastmodified: DATE, lastmodified_server: SERVER_DATE });
export const SAR_LISTING =
  '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:S="SAR:"><D:prop><D:getlastmodified/>' +
  '<D:getcontentlength/><D:getetag/><D:resourcetype/><D:displayname/><S:lastmodified/><S:lastmodified_server/></D:prop></D:propfind>';
const ALLPROP = '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>';

const hasDates = (path: string) => ({
  method: 'PROPFIND',
  path,
  headers: { ...XML, Depth: '0' },
  body: SAR_LISTING,
  accept: [207],
  checks: [props({ '{SAR:}lastmodified': DATE, '{SAR:}lastmodified_server': SERVER_DATE })],
});

/** client-requirements 4.6. */
export const cyberduck: Transcript = {
  client: 'Cyberduck',
  section: '4.6',
  signsIn: 'preemptive',
  headers: { 'User-Agent': 'Cyberduck/9.0.0 (Mac OS X/15.0) (aarch64)' },
  files: { 'a.txt': 'a', 'd/': '', 'd/inside.txt': 'inside' },
  rows: [
    {
      row: '1',
      rule: 'HEAD of the collection',
      proves: ['R29'],
      steps: [{ method: 'HEAD', path: '{B}/', accept: [200] }],
    },
    {
      row: '2',
      rule: 'PROPFIND, Depth 1 and the newer 0',
      proves: ['R19', 'R24'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/',
          headers: { ...XML, Depth: '1' },
          body: ALLPROP,
          accept: [207],
          checks: [lists('a.txt', 'd'), isCollection(true, 'd')],
        },
        {
          method: 'PROPFIND',
          path: '{B}/',
          headers: { ...XML, Depth: '0' },
          body: SAR_LISTING,
          accept: [207],
          checks: [isCollection(true), lists()],
        },
      ],
    },
    {
      row: '3',
      rule: 'PUT waits for 100 Continue, and gets it',
      proves: ['R3', 'R12'],
      steps: [201, 204].map((status) => ({
        method: 'PUT',
        path: '{B}/f',
        headers: { Expect: '100-continue', 'Content-Type': 'text/plain' },
        body: `content ${status}`,
        accept: [status],
        checks: [continued],
      })),
    },
    {
      row: '4',
      rule: 'an append by Content-Range is refused, and the file is as it was',
      proves: ['R28'],
      steps: [
        {
          method: 'PUT',
          path: '{B}/f',
          headers: { 'Content-Range': 'bytes 10-19/20' },
          body: '0123456789',
          accept: [400, 501],
        },
        reads('{B}/f', 'content 204'),
        {
          method: 'PUT',
          path: '{B}/never',
          headers: { 'Content-Range': 'bytes 10-19/20' },
          body: '0123456789',
          accept: [400, 501],
        },
        isMissing('{B}/never'),
      ],
    },
    {
      row: '5',
      rule: 'its own dates are kept, follow MOVE and COPY, and go with DELETE',
      proves: ['R8'],
      steps: [
        { method: 'PROPPATCH', path: '{B}/f', headers: XML, body: SAR_DATES, accept: [207], checks: [allSet(2)] },
        hasDates('{B}/f'),
        { method: 'MOVE', path: '{B}/f', headers: { Destination: '{H}{B}/moved', Overwrite: 'F' }, accept: [201] },
        { method: 'COPY', path: '{B}/moved', headers: { Destination: '{H}{B}/f', Overwrite: 'F' }, accept: [201] },
        hasDates('{B}/moved'),
        hasDates('{B}/f'),
        { method: 'DELETE', path: '{B}/moved', accept: [204] },
        { method: 'PUT', path: '{B}/moved', body: 'another file', accept: [201] },
        {
          method: 'PROPFIND',
          path: '{B}/moved',
          headers: { ...XML, Depth: '0' },
          body: SAR_LISTING,
          accept: [207],
          checks: [props({ '{SAR:}lastmodified': null, '{SAR:}lastmodified_server': null })],
        },
      ],
    },
    {
      row: '6',
      rule: 'MOVE under a lock, its token in a list tagged with an absolute path',
      proves: ['R4', 'R6'],
      steps: [
        {
          method: 'LOCK',
          path: '{B}/f',
          headers: { ...XML, Depth: '0', Timeout: 'Infinite' },
          body: lockinfo('alice'),
          accept: [200],
          checks: [locked({ owner: 'alice', secondsMax: 86_400 })],
          captures: { token: LOCK_TOKEN },
        },
        { method: 'MOVE', path: '{B}/f', headers: { Destination: '{H}{B}/g', Overwrite: 'T' }, accept: [423] },
        {
          method: 'MOVE',
          path: '{B}/f',
          headers: { Destination: '{H}{B}/g', Overwrite: 'T', If: '<{B}/f> (<{token}>)' },
          accept: [201],
        },
        reads('{B}/g', 'content 204'),
      ],
    },
    {
      row: '7',
      rule: 'MOVE of a folder, slashes on both sides',
      proves: ['R14', 'R17'],
      steps: [
        { method: 'MOVE', path: '{B}/d/', headers: { Destination: '{H}{B}/e/', Overwrite: 'F' }, accept: [201] },
        {
          method: 'GET',
          path: '{B}/e/inside.txt',
          accept: [200],
          checks: [body('inside'), header('Content-Length', '6')],
        },
      ],
    },
    {
      row: '8',
      rule: 'DELETE of the folder',
      proves: ['R14', 'R39'],
      steps: [{ method: 'DELETE', path: '{B}/e/', accept: [204] }, isMissing('{B}/e/')],
    },
    {
      row: '9',
      rule: 'quota in numbers',
      proves: ['R30'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/',
          headers: { ...XML, Depth: '0' },
          body: QUOTA,
          accept: [207],
          checks: [quota()],
        },
      ],
    },
  ],
};
