import { body, header, isCollection, locked, props, RFC1123, STRONG_ETAG, statuses } from './checks.js';
import { LOCK_TOKEN, reads } from './steps.js';
import type { Row, Step, Transcript } from './transcript.js';

const NEW = '{B}/neu%20%c3%a4.odt';
const OLD = '{B}/alt%20%c3%a4.odt';
const UCB = 'http://ucb.openoffice.org/dav/props/';
const EXPECT = { Expect: '100-continue', 'Content-Type': 'application/xml' };
const OWNER = 'LibreOffice - http://www.libreoffice.org/';
const LOCKINFO =
  '<?xml version="1.0" encoding="utf-8"?><lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope>' +
  `<locktype><write/></locktype><owner>${OWNER}</owner></lockinfo>`;
const CONTENT = 'PK an OpenDocument text';

const ask = (...names: readonly string[]) =>
  `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>${names.map((name) => `<${name} xmlns="DAV:"/>`).join('')}</prop></propfind>`;

const propfind = (path: string, text: string, accept: number, checks: Step['checks'] = []): Step => ({
  method: 'PROPFIND',
  path,
  headers: { ...EXPECT, Depth: '0' },
  body: text,
  accept: [accept],
  checks,
});

const options = (path: string): Step => ({
  method: 'OPTIONS',
  path,
  accept: [200],
  checks: [header('DAV', /^1,\s*2\b/)],
});

const lock = (path: string, accept: number): Step => ({
  method: 'LOCK',
  path,
  headers: { ...EXPECT, Depth: '0', Timeout: 'Second-180' },
  body: LOCKINFO,
  accept: [accept],
  checks: [locked({ owner: OWNER, secondsMax: 180 })],
  captures: { token: LOCK_TOKEN },
});

const put = (path: string, content: string, accept: readonly number[]): Step => ({
  method: 'PUT',
  path,
  headers: { Expect: '100-continue', If: '(<{token}>)', 'Content-Type': 'application/vnd.oasis.opendocument.text' },
  body: content,
  accept,
});

const unlock = (path: string): Step => ({
  method: 'UNLOCK',
  path,
  headers: { 'Lock-Token': '<{token}>' },
  accept: [204],
});

const PRIVATE =
  `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype xmlns="DAV:"/><getlastmodified xmlns="DAV:"/>` +
  `<IsReadOnly xmlns="${UCB}"/><CreatableContentsInfo xmlns="${UCB}"/></prop></propfind>`;

const rows: readonly Row[] = [
  {
    row: 'new 1',
    rule: 'the place of a new document is free, and can be locked',
    proves: ['R1', 'R26'],
    steps: [options(NEW), propfind(NEW, ask('supportedlock'), 404)],
  },
  {
    row: 'new 2',
    rule: 'LOCK of the free place makes an empty file that PROPFIND and HEAD find',
    proves: ['R4', 'R5'],
    steps: [
      lock(NEW, 201),
      propfind(NEW, PRIVATE, 207, [
        isCollection(false),
        statuses({
          resourcetype: 200,
          getlastmodified: 200,
          [`{${UCB}}IsReadOnly`]: 404,
          [`{${UCB}}CreatableContentsInfo`]: 404,
        }),
      ]),
      { method: 'HEAD', path: NEW, accept: [200], checks: [header('Content-Length', '0')] },
      { method: 'GET', path: NEW, headers: { Range: 'bytes=0-0' }, accept: [416, 200] },
    ],
  },
  {
    row: 'new 3',
    rule: 'the folder answers OPTIONS, PROPFIND and HEAD',
    proves: ['R1', 'R29'],
    steps: [
      options('{B}'),
      propfind('{B}', PRIVATE, 207, [isCollection(true)]),
      { method: 'HEAD', path: '{B}', accept: [200] },
    ],
  },
  {
    row: 'new 4',
    rule: 'PUT under the lock, and UNLOCK',
    proves: ['R5', 'R6'],
    steps: [
      put(NEW, CONTENT, [201, 204]),
      propfind(NEW, ask('getetag', 'getlastmodified'), 207, [
        props({ getetag: STRONG_ETAG, getlastmodified: RFC1123 }),
      ]),
      unlock(NEW),
      reads(NEW, CONTENT),
    ],
  },
  {
    row: 'edit 1',
    rule: 'a document is opened for editing',
    proves: ['R4', 'R29'],
    steps: [
      options(OLD),
      propfind(OLD, PRIVATE, 207, [isCollection(false)]),
      { method: 'HEAD', path: OLD, accept: [200], checks: [header('Content-Length', '3')] },
      { method: 'GET', path: OLD, accept: [200], checks: [body('old')] },
      propfind(OLD, ask('lockdiscovery'), 207, [props({ lockdiscovery: '' })]),
      lock(OLD, 200),
      propfind(OLD, ask('lockdiscovery'), 207, [props({ lockdiscovery: /LibreOffice.*opaquelocktoken:/ })]),
    ],
  },
  {
    row: 'edit 2',
    rule: 'its lock of 180 s is refreshed',
    proves: ['R4'],
    steps: [
      {
        method: 'LOCK',
        path: OLD,
        headers: { If: '(<{token}>)', Timeout: 'Second-180', 'Content-Length': '0' },
        accept: [200],
        checks: [locked({ owner: OWNER, secondsMax: 180, token: '{token}' })],
      },
    ],
  },
  {
    row: 'edit 3',
    rule: 'it is saved and let go',
    proves: ['R6', 'R12'],
    steps: [put(OLD, CONTENT, [200, 201, 204]), unlock(OLD), reads(OLD, CONTENT)],
  },
];

/** client-requirements 2.23b. */
export const libreoffice: Transcript = {
  client: 'LibreOffice',
  section: '2.23b',
  signsIn: 'challenged',
  headers: { 'User-Agent': 'LibreOffice 7.4.7.2 curl/7.88.1 OpenSSL/3.0.15', Accept: '*/*' },
  files: { 'alt%20%c3%a4.odt': 'old' },
  rows,
};
