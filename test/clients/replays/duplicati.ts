import { seededBytes } from '../../support/trees.js';
import { completeEntries, continued, lists } from './checks.js';
import { isMissing, reads } from './steps.js';
import type { Transcript } from './transcript.js';

const VOLUME = '{B}/dup/duplicati-b1.dblock.zip.aes';
const CONTENT = seededBytes('duplicati', 500_000);

/** client-requirements 4.12, the older WebDAV backend on .NET. */
export const duplicati: Transcript = {
  client: 'Duplicati',
  section: '4.12',
  signsIn: 'challenged',
  headers: { 'User-Agent': 'Duplicati WEBDAV Client v2.0.8.1' },
  rows: [
    {
      row: '1',
      rule: 'a missing folder is 404, in a missing one 409',
      proves: ['R26'],
      steps: [
        { method: 'PROPFIND', path: '{B}/dup/', headers: { Depth: '1', 'Content-Length': '0' }, accept: [404] },
        { method: 'MKCOL', path: '{B}/no/dup/', accept: [409] },
        { method: 'MKCOL', path: '{B}/dup/', accept: [201] },
      ],
    },
    {
      row: '2',
      rule: 'PUT waits for 100 Continue',
      proves: ['R3'],
      steps: [
        {
          method: 'PUT',
          path: VOLUME,
          headers: { Expect: '100-continue', 'Content-Type': 'application/octet-stream' },
          body: CONTENT,
          accept: [201],
          checks: [continued],
        },
      ],
    },
    {
      row: '3',
      rule: 'a listing without a body: the first propstat is the 200 one, lengths are numbers',
      proves: ['R20', 'R22', 'R24'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/dup/',
          headers: { Depth: '1', 'Content-Length': '0' },
          accept: [207],
          checks: [completeEntries, lists('duplicati-b1.dblock.zip.aes')],
        },
      ],
    },
    { row: '4', rule: 'GET gives the volume back', proves: ['R29'], steps: [reads(VOLUME, CONTENT)] },
    {
      row: '5',
      rule: 'DELETE',
      proves: ['R14'],
      steps: [{ method: 'DELETE', path: VOLUME, accept: [204] }, isMissing(VOLUME)],
    },
  ],
};
