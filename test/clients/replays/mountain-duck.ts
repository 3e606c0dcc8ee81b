import { seededBytes } from '../../support/trees.js';
import { lockinfo } from './bodies.js';
import { allSet, continued, header, locked, props, STRONG_ETAG } from './checks.js';
import { SAR_DATES, SAR_LISTING } from './cyberduck.js';
import { chunked, isMissing, LOCK_TOKEN, reads } from './steps.js';
import type { Transcript } from './transcript.js';

const XML = { 'Content-Type': 'text/xml; charset=utf-8' };
const CONTENT = seededBytes('mountain duck', 300_000);

/**
 * client-requirements 4.6 and 2.13, where Mountain Duck differs: uploads without a length, and the profile of
 * Nextcloud.
 */
export const mountainDuck: Transcript = {
  client: 'Mountain Duck',
  section: '4.6',
  signsIn: 'preemptive',
  headers: { 'User-Agent': 'Mountain Duck/4.16.0 (Mac OS X/15.0) (aarch64)' },
  rows: [
    {
      row: '3',
      rule: 'PUT in chunks waits for 100 Continue',
      proves: ['R3', 'R28'],
      steps: [201, 204].map((status) => ({
        method: 'PUT',
        path: '{B}/f',
        headers: { Expect: '100-continue', 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/octet-stream' },
        body: chunked(CONTENT),
        accept: [status],
        checks: [continued, header('ETag', STRONG_ETAG)],
      })),
    },
    { row: '4', rule: 'what was stored is what was sent', proves: ['R28'], steps: [reads('{B}/f', CONTENT)] },
    {
      row: '5',
      rule: 'its own dates stay through an upload over the file',
      proves: ['R8'],
      steps: [
        { method: 'PROPPATCH', path: '{B}/f', headers: XML, body: SAR_DATES, accept: [207], checks: [allSet(2)] },
        { method: 'PUT', path: '{B}/f', body: chunked(CONTENT), accept: [204] },
        {
          method: 'PROPFIND',
          path: '{B}/f',
          headers: { ...XML, Depth: '0' },
          body: SAR_LISTING,
          accept: [207],
          checks: [props({ '{SAR:}lastmodified': 'Wed, 01 Jan 2020 10:00:00 GMT' })],
        },
      ],
    },
    {
      row: '6',
      rule: 'writing under a lock, tagged with an absolute path',
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
        { method: 'PUT', path: '{B}/f', headers: { If: '<{B}/f> (<{token}>)' }, body: 'locked', accept: [204] },
        { method: 'UNLOCK', path: '{B}/f', headers: { 'Lock-Token': '<{token}>' }, accept: [204] },
        reads('{B}/f', 'locked'),
      ],
    },
    {
      row: '2.13',
      rule: 'the profile of Nextcloud sends time and checksum, and a wrong one changes nothing',
      proves: ['R9', 'R11', 'R34'],
      steps: [
        {
          method: 'PUT',
          path: '{D}/remote.php/dav/files/{user}/mountain-duck.txt',
          headers: { 'X-OC-Mtime': '1577872800', 'OC-Checksum': 'SHA1:a9993e364706816aba3e25717850c26c9cd0d89d' },
          body: 'abc',
          accept: [201],
          checks: [header('X-OC-MTime', 'accepted'), header('Last-Modified', 'Wed, 01 Jan 2020 10:00:00 GMT')],
        },
        {
          method: 'PUT',
          path: '{D}/remote.php/dav/files/{user}/mountain-duck.txt',
          headers: { 'OC-Checksum': 'SHA1:a9993e364706816aba3e25717850c26c9cd0d89d' },
          body: 'abd',
          accept: [400],
        },
        reads('{D}/mountain-duck.txt', 'abc'),
        { method: 'DELETE', path: '{D}/remote.php/dav/files/{user}/mountain-duck.txt', accept: [204] },
        isMissing('{D}/mountain-duck.txt'),
      ],
    },
  ],
};
