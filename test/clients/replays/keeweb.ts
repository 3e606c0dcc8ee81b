import { header, RFC1123 } from './checks.js';
import { isMissing, reads } from './steps.js';
import type { Step, Transcript } from './transcript.js';

const DATABASE = '{B}/db.kdbx';
const TEMPORARY = '{B}/.db.kdbx.abc123';
const ORIGIN = 'https://app.keeweb.info';

const head = (accept: number): Step => ({
  method: 'HEAD',
  path: DATABASE,
  accept: [accept],
  checks: [
    header('Last-Modified', RFC1123),
    header('Access-Control-Allow-Origin', ORIGIN),
    header('Access-Control-Expose-Headers', /\bLast-Modified\b/),
  ],
});

const save = (content: string, destination: string): readonly Step[] => [
  { method: 'PUT', path: TEMPORARY, body: content, accept: [201] },
  head(200),
  { method: 'MOVE', path: TEMPORARY, headers: { Destination: destination, Overwrite: 'T' }, accept: [204] },
  head(200),
  reads(DATABASE, content),
  isMissing(TEMPORARY),
];

/** client-requirements 4.10, from a browser. */
export const keeweb: Transcript = {
  client: 'KeeWeb',
  section: '4.10',
  signsIn: 'challenged',
  headers: { 'User-Agent': 'Mozilla/5.0', Origin: ORIGIN },
  files: { 'db.kdbx': 'old' },
  rows: [
    {
      row: '0',
      rule: 'the preflight of MOVE is answered without credentials',
      proves: ['R37'],
      steps: [
        {
          method: 'OPTIONS',
          path: TEMPORARY,
          as: 'nobody',
          headers: {
            'Access-Control-Request-Method': 'MOVE',
            'Access-Control-Request-Headers': 'authorization,destination,overwrite',
          },
          accept: [200, 204],
          checks: [
            header('Access-Control-Allow-Origin', ORIGIN),
            header('Access-Control-Allow-Methods', /\bMOVE\b/),
            header('Access-Control-Allow-Headers', /authorization.*destination.*overwrite/),
          ],
        },
        {
          method: 'OPTIONS',
          path: TEMPORARY,
          as: 'nobody',
          headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'MOVE' },
          accept: [200],
          checks: [header('Access-Control-Allow-Origin', null)],
        },
      ],
    },
    { row: '1', rule: 'HEAD has the date, which is the revision', proves: ['R22', 'R37'], steps: [head(200)] },
    { row: '2', rule: 'saved with a relative Destination', proves: ['R15', 'R16'], steps: save('second', 'db.kdbx') },
    { row: '2b', rule: 'saved with a path as Destination', proves: ['R15', 'R16'], steps: save('third', DATABASE) },
    {
      row: '2c',
      rule: 'saved with a whole URL as Destination',
      proves: ['R15', 'R16'],
      steps: save('fourth', `{H}${DATABASE}`),
    },
  ],
};
