import { ALLPROP, lockinfo, propfind, proppatch, QUOTA } from './bodies.js';
import { allSet, completeEntries, header, isCollection, lists, locked, props, quota } from './checks.js';
import { isMissing, LOCK_TOKEN, reads } from './steps.js';
import type { Transcript } from './transcript.js';

const XML = { 'Content-Type': 'application/xml' };
const DATE = 'Sun, 22 Nov 2026 19:14:25 GMT';

/** client-requirements 4.11. */
export const winscp: Transcript = {
  client: 'WinSCP',
  section: '4.11',
  signsIn: 'challenged',
  headers: { 'User-Agent': 'WinSCP/6.3.5 neon/0.33.0', Connection: 'TE', TE: 'trailers' },
  files: { 'a.txt': 'a', 'folder/': '' },
  rows: [
    {
      row: '1',
      rule: 'OPTIONS says class 1',
      proves: ['R1'],
      steps: [{ method: 'OPTIONS', path: '{B}/', accept: [200], checks: [header('DAV', /(^|,)\s*1\s*(,|$)/)] }],
    },
    {
      row: '2',
      rule: 'allprop listing, with the one form of date that it reads',
      proves: ['R18', 'R20', 'R22'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/',
          headers: { ...XML, Depth: '1' },
          body: ALLPROP,
          accept: [207],
          checks: [
            completeEntries,
            lists('a.txt', 'folder'),
            isCollection(true, 'folder'),
            isCollection(false, 'a.txt'),
          ],
        },
      ],
    },
    { row: '3', rule: 'the target of an upload is a true 404', proves: ['R26'], steps: [isMissing('{B}/f')] },
    {
      row: '4',
      rule: 'PUT',
      proves: ['R12'],
      steps: [{ method: 'PUT', path: '{B}/f', body: 'from Windows', accept: [201] }],
    },
    {
      row: '5',
      rule: 'PROPPATCH of getlastmodified sets the time that is then shown',
      proves: ['R10'],
      steps: [
        {
          method: 'PROPPATCH',
          path: '{B}/f',
          headers: XML,
          body: proppatch('DAV:', { getlastmodified: DATE }),
          accept: [207],
          checks: [allSet(1)],
        },
        {
          method: 'PROPFIND',
          path: '{B}/f',
          headers: { ...XML, Depth: '0' },
          body: propfind('getlastmodified'),
          accept: [207],
          checks: [props({ getlastmodified: DATE })],
        },
      ],
    },
    {
      row: '6',
      rule: 'LOCK without end, and UNLOCK',
      proves: ['R4'],
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
        { method: 'PUT', path: '{B}/f', body: 'not mine', accept: [423] },
        { method: 'UNLOCK', path: '{B}/f', headers: { 'Lock-Token': '<{token}>' }, accept: [204] },
      ],
    },
    {
      row: '7',
      rule: 'MOVE, and over what is there by Overwrite',
      proves: ['R14', 'R16'],
      steps: [
        { method: 'MOVE', path: '{B}/f', headers: { Destination: '{H}{B}/g', Overwrite: 'F' }, accept: [201] },
        { method: 'MOVE', path: '{B}/g', headers: { Destination: '{H}{B}/a.txt', Overwrite: 'F' }, accept: [412] },
        reads('{B}/a.txt', 'a'),
        { method: 'MOVE', path: '{B}/g', headers: { Destination: '{H}{B}/a.txt', Overwrite: 'T' }, accept: [204] },
        reads('{B}/a.txt', 'from Windows'),
      ],
    },
    {
      row: '8',
      rule: 'MKCOL and DELETE of a folder, quota',
      proves: ['R14', 'R17', 'R30'],
      steps: [
        { method: 'MKCOL', path: '{B}/d/', accept: [201] },
        { method: 'DELETE', path: '{B}/d/', accept: [204] },
        { method: 'DELETE', path: '{B}/a.txt', accept: [204] },
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
