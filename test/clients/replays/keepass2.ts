import { seededBytes } from '../../support/trees.js';
import { continued, header } from './checks.js';
import { reads } from './steps.js';
import type { Step, Transcript } from './transcript.js';

const DATABASE = '{B}/db.kdbx';
const FIRST = seededBytes('kdbx 1', 3000);
const SECOND = seededBytes('kdbx 2', 3100);
const THIRD = seededBytes('kdbx 3', 3200);

/** The runner sends each first without credentials: 401 without 100 Continue, no byte of the body taken. */
const putTemporary = (content: Uint8Array): Step => ({
  method: 'PUT',
  path: `${DATABASE}.tmp`,
  headers: { Expect: '100-continue' },
  body: content,
  accept: [201],
  checks: [continued],
});

const moveOver = (status: number): Step => ({
  method: 'MOVE',
  path: `${DATABASE}.tmp`,
  headers: { Destination: `{H}${DATABASE}` },
  accept: [status],
});

/** client-requirements 4.8, on Windows' .NET: no User-Agent, no Content-Type, no PROPFIND, no locks. */
export const keepass2: Transcript = {
  client: 'KeePass 2',
  section: '4.8',
  signsIn: 'challenged',
  headers: {},
  files: { 'db.kdbx': FIRST },
  rows: [
    { row: '1', rule: 'the database is opened after a 401', proves: ['R2', 'R29'], steps: [reads(DATABASE, FIRST)] },
    {
      row: '2',
      rule: 'a database that isn’t there is 404',
      proves: ['R26'],
      steps: [{ method: 'GET', path: '{B}/new.kdbx', accept: [404] }],
    },
    {
      row: '3',
      rule: 'PUT with Expect: 401 comes without 100 Continue, then 100 and 201',
      proves: ['R2', 'R3'],
      steps: [reads(DATABASE, FIRST), putTemporary(SECOND), reads(DATABASE, FIRST)],
    },
    {
      row: '4',
      rule: 'DELETE, and MOVE without Overwrite, put the new database in place',
      proves: ['R14', 'R16'],
      steps: [
        { method: 'DELETE', path: DATABASE, accept: [204] },
        moveOver(201),
        reads(DATABASE, SECOND),
        { method: 'HEAD', path: `${DATABASE}.tmp`, accept: [404] },
      ],
    },
    {
      row: '4b',
      rule: 'without the DELETE the MOVE replaces the database',
      proves: ['R14', 'R16'],
      steps: [putTemporary(THIRD), moveOver(204), reads(DATABASE, THIRD)],
    },
    {
      row: '5',
      rule: 'without file transactions it is a plain PUT',
      proves: ['R3', 'R12'],
      steps: [
        { ...putTemporary(FIRST), path: DATABASE, accept: [204], checks: [continued, header('ETag', /^"/)] },
        reads(DATABASE, FIRST),
      ],
    },
  ],
};
