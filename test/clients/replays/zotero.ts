import { propfind } from './bodies.js';
import { body, header, lists, props, RFC1123 } from './checks.js';
import { isMissing, reads } from './steps.js';
import type { Step, Transcript } from './transcript.js';

const XML = { 'Content-Type': 'text/xml; charset=utf-8' };
const TEST_FILE = '{B}/zotero/zotero-test-file.prop';
const PROPERTIES =
  '<properties version="1"><mtime>1577872800000</mtime><hash>0cc175b9c0f1b6a831c399e269772661</hash></properties>';
const KEYS = ['AAAA2222', 'BBBB3333', 'CCCC4444', 'DDDD5555'];

const get = (path: string, accept: number): Step => ({ method: 'GET', path, accept: [accept] });
const remove = (path: string, accept: number): Step => ({ method: 'DELETE', path, accept: [accept] });

/** One attachment, as `ZoteroFile` sync uploads it. */
const upload = (key: string): readonly Step[] => [
  get(`{B}/zotero/${key}.prop`, 404),
  remove(`{B}/zotero/${key}.prop`, 404),
  {
    method: 'PUT',
    path: `{B}/zotero/${key}.zip`,
    headers: { 'Content-Type': 'application/zip' },
    body: `PK ${key}`,
    accept: [201],
  },
  { method: 'PUT', path: `{B}/zotero/${key}.prop`, headers: XML, body: PROPERTIES, accept: [201] },
];

/**
 * client-requirements 4.7, the requests of 2.14. Firn offers Basic alone, so the variant with Digest is that none is
 * offered.
 */
export const zotero: Transcript = {
  client: 'Zotero',
  section: '4.7',
  signsIn: 'challenged',
  headers: { 'User-Agent': 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Zotero/7.0.11' },
  rows: [
    {
      row: '1',
      rule: 'OPTIONS without credentials has a DAV header',
      proves: ['R1'],
      steps: [
        {
          method: 'OPTIONS',
          path: '{B}/zotero/',
          as: 'nobody',
          accept: [200, 204, 404],
          checks: [header('DAV', /^1/)],
        },
      ],
    },
    {
      row: '1b',
      rule: 'what is offered is Basic, and nothing that would need another handshake',
      proves: ['R2'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/zotero/',
          headers: { Depth: '0' },
          as: 'nobody',
          accept: [401],
          checks: [header('WWW-Authenticate', 'Basic realm="Firn", charset="UTF-8"')],
        },
      ],
    },
    {
      row: '2',
      rule: 'a folder that isn’t there is 404, its parent is there, and MKCOL makes it',
      proves: ['R26'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/zotero/',
          headers: { ...XML, Depth: '0' },
          body: propfind('getcontentlength'),
          accept: [404],
        },
        {
          method: 'PROPFIND',
          path: '{B}/',
          headers: { ...XML, Depth: '0' },
          body: propfind('getcontentlength'),
          accept: [207],
        },
        { method: 'MKCOL', path: '{B}/zotero/', accept: [201] },
        {
          method: 'PROPFIND',
          path: '{B}/zotero/',
          headers: { ...XML, Depth: '0' },
          body: propfind('getcontentlength'),
          accept: [207],
        },
      ],
    },
    {
      row: '3',
      rule: 'GET of what isn’t there is a true 404',
      proves: ['R26'],
      steps: [get('{B}/zotero/nonexistent.prop', 404)],
    },
    {
      row: '4',
      rule: 'a file of an unknown extension is written, served and deleted',
      proves: ['R12', 'R14'],
      steps: [
        { method: 'PUT', path: TEST_FILE, body: ' ', accept: [200, 201, 204] },
        reads(TEST_FILE, ' '),
        remove(TEST_FILE, 204),
      ],
    },
    {
      row: '5',
      rule: 'an attachment goes up; DELETE of what isn’t there is 404',
      proves: ['R12', 'R26'],
      steps: [
        ...KEYS.flatMap(upload),
        { method: 'GET', path: `{B}/zotero/${KEYS[0]}.prop`, accept: [200], checks: [body(PROPERTIES)] },
      ],
    },
    {
      row: '6',
      rule: 'the listing of dates finds what is orphaned',
      proves: ['R18', 'R22'],
      steps: [
        {
          method: 'PROPFIND',
          path: '{B}/zotero/',
          headers: { ...XML, Depth: '1' },
          body: propfind('getlastmodified'),
          accept: [207],
          checks: [
            lists(...KEYS.flatMap((key) => [`${key}.zip`, `${key}.prop`])),
            props({ getlastmodified: RFC1123 }, `${KEYS[0]}.zip`),
          ],
        },
      ],
    },
    {
      row: '7',
      rule: 'four DELETEs at a time',
      proves: ['R14', 'R36'],
      isParallel: true,
      steps: KEYS.map((key) => remove(`{B}/zotero/${key}.zip`, 204)),
    },
    {
      row: '7b',
      rule: 'none of them is left, and twenty requests go on with the same credentials',
      proves: ['R2', 'R14'],
      steps: [
        ...KEYS.map((key) => isMissing(`{B}/zotero/${key}.zip`)),
        ...Array.from({ length: 20 }, (_, index) => get(`{B}/zotero/${KEYS[index % 4]}.prop`, 200)),
      ],
    },
  ],
};
