import { QUOTA } from './bodies.js';
import { body, completeEntries, header, isCollection, lists, props, quota, STRONG_ETAG } from './checks.js';
import { isMissing, reads } from './steps.js';
import type { Transcript } from './transcript.js';

/** An old date, so that the next upload's is another within the same second. */
const OLD = { 'X-OC-Mtime': '1577872800' };

/** client-requirements 4.4. */
export const synologyCloudSync: Transcript = {
  client: 'Synology Cloud Sync',
  section: '4.4',
  signsIn: 'preemptive',
  headers: {},
  files: { 'a.txt': 'a', 'folder/': '', 'folder/b.txt': 'b' },
  rows: [
    {
      row: '1',
      rule: 'OPTIONS of the root, PROPFIND of the base',
      proves: ['R1', 'R31'],
      steps: [
        { method: 'OPTIONS', path: '/', accept: [200], checks: [header('DAV', /^1/)] },
        { method: 'PROPFIND', path: '{B}', headers: { Depth: '0' }, accept: [207], checks: [isCollection(true)] },
      ],
    },
    {
      row: '2',
      rule: 'a listing without a body has 200 propstats alone, each entry complete',
      proves: ['R20', 'R22', 'R24'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/',
          headers: { Depth: '1' },
          accept: [207],
          checks: [completeEntries, lists('a.txt', 'folder')],
        },
      ],
    },
    {
      row: '3',
      rule: 'an overwrite changes ETag and date',
      proves: ['R12', 'R40'],
      steps: [
        {
          method: 'PUT',
          path: '{B}/f',
          headers: OLD,
          body: 'one',
          accept: [201],
          checks: [header('ETag', STRONG_ETAG)],
          captures: { etag: { header: 'etag' }, modified: { header: 'last-modified' } },
        },
        { method: 'PUT', path: '{B}/f', body: 'two', accept: [204], checks: [header('ETag', { not: '{etag}' })] },
        {
          method: 'PROPFIND',
          path: '{B}/f',
          headers: { Depth: '0' },
          accept: [207],
          checks: [props({ getetag: { not: '{etag}' }, getlastmodified: { not: '{modified}' } })],
        },
      ],
    },
    {
      row: '4',
      rule: 'MKCOL is 201, and 405 where the folder is',
      proves: ['R26'],
      steps: [
        { method: 'MKCOL', path: '{B}/d', accept: [201] },
        { method: 'MKCOL', path: '{B}/d', accept: [405] },
      ],
    },
    {
      row: '5',
      rule: 'MOVE into the folder',
      proves: ['R14', 'R15'],
      steps: [
        { method: 'MOVE', path: '{B}/f', headers: { Destination: '{H}{B}/d/f', Overwrite: 'T' }, accept: [201] },
        isMissing('{B}/f'),
      ],
    },
    {
      row: '6',
      rule: 'GET, whole and in part',
      proves: ['R29'],
      steps: [
        reads('{B}/d/f', 'two'),
        { method: 'GET', path: '{B}/d/f', headers: { Range: 'bytes=1-' }, accept: [206], checks: [body('wo')] },
      ],
    },
    {
      row: '7',
      rule: 'DELETE of the folder',
      proves: ['R14'],
      steps: [{ method: 'DELETE', path: '{B}/d', accept: [204] }, isMissing('{B}/d')],
    },
    {
      row: '8',
      rule: 'quota in numbers',
      proves: ['R30'],
      steps: [
        { method: 'PROPFIND', path: '{B}', headers: { Depth: '0' }, body: QUOTA, accept: [207], checks: [quota()] },
      ],
    },
  ],
};
