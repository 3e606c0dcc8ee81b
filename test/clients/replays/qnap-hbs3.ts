import { QUOTA } from './bodies.js';
import { body, completeEntries, header, lists, props, quota } from './checks.js';
import { isMissing, reads } from './steps.js';
import type { Transcript } from './transcript.js';

/** 99 bytes were seen in a public trace; this text is presumed. */
const ALLPROP = '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'.padEnd(99);
const XML = { 'Content-Type': 'text/xml; charset=utf-8' };

/** 4 GiB and 5 bytes: cut to 32 bits it is the length of what the probe file holds. */
const LARGE = String(4_294_967_296 + 5);

/** client-requirements 4.5. */
export const qnapHbs3: Transcript = {
  client: 'QNAP HBS 3',
  section: '4.5',
  signsIn: 'preemptive',
  headers: {
    'User-Agent': 'HybridBackup/26.2.0.938 (QNAP; QTS 5.2.7)',
    'Accept-Encoding': 'identity',
    Accept: '*/*',
  },
  files: { 'a.txt': 'a', 'sub/': '', 'sub/b.txt': 'b', 'sub/deeper/': '' },
  rows: [
    {
      row: '1',
      rule: 'PROPFIND of the root of host and drive, and the quota',
      proves: ['R22', 'R30', 'R31'],
      steps: [
        { method: 'PROPFIND', path: '/', headers: { ...XML, Depth: '0' }, body: ALLPROP, accept: [207] },
        {
          method: 'PROPFIND',
          path: '{D}/',
          headers: { ...XML, Depth: '0' },
          body: ALLPROP,
          accept: [207],
          checks: [completeEntries],
        },
        {
          method: 'PROPFIND',
          path: '{D}/',
          headers: { ...XML, Depth: '0' },
          body: QUOTA,
          accept: [207],
          checks: [quota()],
        },
      ],
    },
    {
      row: '2',
      rule: 'each entry of a listing has the same full set',
      proves: ['R20', 'R22', 'R23'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/',
          headers: { ...XML, Depth: '1' },
          body: ALLPROP,
          accept: [207],
          checks: [completeEntries, lists('a.txt', 'sub')],
        },
        {
          method: 'PROPFIND',
          path: '{B}/sub/',
          headers: { ...XML, Depth: '1' },
          body: ALLPROP,
          accept: [207],
          checks: [completeEntries, lists('b.txt', 'deeper')],
        },
      ],
    },
    {
      row: '3',
      rule: 'MKCOL is 201, and 405 where the folder is',
      proves: ['R26'],
      steps: [
        { method: 'MKCOL', path: '{B}/x', accept: [201] },
        { method: 'MKCOL', path: '{B}/x', accept: [405] },
      ],
    },
    {
      row: '4',
      rule: 'the test file is written, read back, renamed and deleted',
      proves: ['R12', 'R14'],
      steps: [
        { method: 'PUT', path: '{B}/x/probe', body: 'probe', accept: [201] },
        reads('{B}/x/probe', 'probe'),
        {
          method: 'MOVE',
          path: '{B}/x/probe',
          headers: { Destination: '{H}{B}/x/renamed', Overwrite: 'T' },
          accept: [201],
        },
        { method: 'DELETE', path: '{B}/x/renamed', accept: [204] },
        isMissing('{B}/x/renamed'),
      ],
    },
    {
      row: '5',
      rule: 'sizes, ranges and room beyond 4 GiB are counted whole',
      proves: ['R28', 'R29', 'R30'],
      steps: [
        {
          method: 'PUT',
          path: '{B}/x/large',
          headers: { 'OC-Total-Length': LARGE },
          body: [Buffer.from('probe')],
          accept: [400],
        },
        isMissing('{B}/x/large'),
        { method: 'PUT', path: '{B}/x/large', body: 'probe', accept: [201] },
        {
          method: 'GET',
          path: '{B}/x/large',
          headers: { Range: 'bytes=4294967296-' },
          accept: [416],
          checks: [header('Content-Range', 'bytes */5')],
        },
        {
          method: 'GET',
          path: '{B}/x/large',
          headers: { Range: 'bytes=1-4294967297' },
          accept: [206],
          checks: [body('robe')],
        },
        {
          method: 'GET',
          path: '{B}/x/large',
          headers: { Range: `bytes=-${LARGE}` },
          accept: [206, 200],
          checks: [body('probe')],
        },
        {
          method: 'PROPFIND',
          path: '{B}/',
          headers: { ...XML, Depth: '0' },
          body: QUOTA,
          accept: [207],
          checks: [props({ 'quota-available-bytes': /^5\d{9}$/ })],
        },
      ],
    },
  ],
};
