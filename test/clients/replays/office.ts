import { lockinfo, propfind, WIN32, win32, XML_TYPE } from './bodies.js';
import { allSet, header, locked, props, RFC1123, STRONG_ETAG, statuses } from './checks.js';
import { isMissing, LOCK_TOKEN, reads } from './steps.js';
import type { Row, Step, Transcript } from './transcript.js';

const DOC = '{B}/d.docx';
const OWNER_FILE = '{B}/~$d.docx';
const DATE = 'Wed, 01 Jan 2020 10:00:00 GMT';
const DISCOVERY = { 'User-Agent': 'Microsoft Office Protocol Discovery' };
const EXISTENCE = { 'User-Agent': 'Microsoft Office Existence Discovery' };
const MINIREDIR = { 'User-Agent': 'Microsoft-WebDAV-MiniRedir/10.0.22631' };
const TYPE = { 'Content-Type': XML_TYPE };

const lock = (path: string, name: string, headers: Step['headers'] = {}): Step => ({
  method: 'LOCK',
  path,
  headers: { ...TYPE, Timeout: 'Second-3600', ...headers },
  body: lockinfo('PC\\alice'),
  accept: [200],
  checks: [locked({ owner: 'PC\\alice', secondsMax: 3600 })],
  captures: { [name]: LOCK_TOKEN },
});

const opening: readonly Row[] = [
  {
    row: '1',
    rule: 'anonymous OPTIONS says that documents can be edited here',
    proves: ['R1'],
    steps: [
      {
        method: 'OPTIONS',
        path: '{B}/',
        headers: DISCOVERY,
        as: 'nobody',
        accept: [200],
        checks: [header('MS-Author-Via', 'DAV'), header('DAV', /^1,\s*2\b/)],
      },
    ],
  },
  {
    row: '2',
    rule: 'HEAD after an empty Bearer tells size, time and ETag',
    proves: ['R2', 'R29'],
    steps: [
      {
        method: 'HEAD',
        path: DOC,
        headers: { ...EXISTENCE, 'X-Office-Major-Version': '16' },
        firstAuthorization: 'Bearer',
        accept: [200],
        checks: [header('Content-Length', '9'), header('Last-Modified', RFC1123), header('ETag', STRONG_ETAG)],
        captures: { etag: { header: 'etag' } },
      },
    ],
  },
  {
    row: '3',
    rule: 'PROPFIND of the document lists the exclusive write lock',
    proves: ['R4', 'R21'],
    steps: [
      {
        method: 'PROPFIND',
        path: DOC,
        headers: { Depth: '0', Brief: 't', Translate: 'f', ...TYPE },
        body: propfind(
          'resourcetype',
          'getetag',
          'getcontentlength',
          'creationdate',
          'getlastmodified',
          'lockdiscovery',
          'supportedlock',
        ),
        accept: [207],
        checks: [
          props({ getetag: '{etag}', getcontentlength: '9', lockdiscovery: '' }),
          statuses({ supportedlock: 200 }),
          ({ answer }) => {
            if (!/<D:lockentry><D:lockscope><D:exclusive\/><\/D:lockscope><D:locktype><D:write\/>/.test(answer.text)) {
              throw new Error(`no exclusive write lock in ${answer.text}`);
            }
          },
        ],
      },
    ],
  },
  {
    row: '4',
    rule: 'LOCK with Depth 0, and with infinity',
    proves: ['R4'],
    steps: [
      lock(DOC, 'token', { Depth: '0' }),
      { method: 'UNLOCK', path: DOC, headers: { 'Lock-Token': '<{token}>' }, accept: [204] },
      lock(DOC, 'token', { Depth: 'infinity' }),
    ],
  },
  {
    row: '5',
    rule: 'GET is 304 only where the ETag is that of now',
    proves: ['R29'],
    steps: [
      { ...reads(DOC, 'version 1'), headers: { 'If-None-Match': '"old-etag"' } },
      { method: 'GET', path: DOC, headers: { 'If-None-Match': '{etag}' }, accept: [304] },
    ],
  },
  {
    row: '6',
    rule: 'the owner file is made beside the document',
    proves: ['R4', 'R7', 'R32'],
    steps: [
      isMissing(OWNER_FILE),
      { method: 'PUT', path: OWNER_FILE, headers: { ...MINIREDIR, 'Content-Length': '0' }, accept: [201] },
      lock(OWNER_FILE, 'ownerToken', MINIREDIR),
      {
        method: 'PUT',
        path: OWNER_FILE,
        headers: { ...MINIREDIR, If: '(<{ownerToken}>)' },
        body: '\x05alice',
        accept: [200, 201, 204],
      },
      {
        method: 'PROPPATCH',
        path: OWNER_FILE,
        headers: { ...MINIREDIR, ...TYPE, If: '(<{ownerToken}>)' },
        body: win32({ Win32LastModifiedTime: DATE, Win32FileAttributes: '00000022' }),
        accept: [207],
        checks: [allSet(2)],
      },
      { method: 'UNLOCK', path: OWNER_FILE, headers: { ...MINIREDIR, 'Lock-Token': '<{ownerToken}>' }, accept: [204] },
      reads(OWNER_FILE, '\x05alice'),
    ],
  },
  {
    row: '7',
    rule: 'three refreshes keep the token',
    proves: ['R4'],
    steps: Array.from({ length: 3 }, () => ({
      method: 'LOCK',
      path: DOC,
      headers: { If: '(<{token}>)', Timeout: 'Second-3600', 'Content-Length': '0' },
      accept: [200],
      checks: [locked({ owner: 'PC\\alice', secondsMax: 3600, token: '{token}' })],
    })),
  },
];

const HEAD_DOC: Step = {
  method: 'HEAD',
  path: DOC,
  accept: [200],
  checks: [header('ETag', { not: '{etag}' })],
  captures: { etag: { header: 'etag' } },
};

const saving: readonly Row[] = [
  {
    row: '8a',
    rule: 'saving with the token in If',
    proves: ['R6', 'R12'],
    steps: [
      { method: 'PUT', path: DOC, headers: { If: '(<{token}>)' }, body: 'version 2', accept: [200, 204] },
      HEAD_DOC,
      reads(DOC, 'version 2'),
    ],
  },
  {
    row: '8b',
    rule: 'saving with the token in Lock-Token alone',
    proves: ['R6', 'R12'],
    steps: [
      { method: 'PUT', path: DOC, headers: { 'Lock-Token': '<{token}>' }, body: 'version 3', accept: [200, 204] },
      HEAD_DOC,
      reads(DOC, 'version 3'),
      { method: 'PUT', path: DOC, body: 'without any token', accept: [423] },
      reads(DOC, 'version 3'),
    ],
  },
  {
    row: '9',
    rule: 'PROPPATCH without the token is no defect, and changes nothing where it is refused',
    proves: ['R7', 'R35'],
    steps: [
      {
        method: 'PROPPATCH',
        path: DOC,
        headers: { ...MINIREDIR, ...TYPE },
        body: win32({ Win32LastModifiedTime: DATE }),
        accept: [423],
      },
      {
        method: 'PROPFIND',
        path: DOC,
        headers: { Depth: '0', ...TYPE },
        body: propfind('getetag', 'getlastmodified'),
        accept: [207],
        checks: [props({ getetag: '{etag}', getlastmodified: { not: DATE } })],
      },
      {
        method: 'PROPPATCH',
        path: DOC,
        headers: { ...MINIREDIR, ...TYPE, If: '(<{token}>)' },
        body: win32({ Win32LastModifiedTime: DATE }),
        accept: [207],
        checks: [allSet(1), statuses({ [`${WIN32}Win32LastModifiedTime`]: 200 })],
      },
    ],
  },
  {
    row: '10',
    rule: 'saving by two MOVEs: the lock stays with the URL (RFC 4918 §7.6)',
    proves: ['R6', 'R14'],
    steps: [
      { method: 'PUT', path: '{B}/1234.tmp', body: 'version 4', accept: [201] },
      lock('{B}/1234.tmp', 'temporaryToken', { Depth: '0' }),
      {
        method: 'MOVE',
        path: DOC,
        headers: {
          Destination: '{H}{B}/5678.tmp',
          Overwrite: 'F',
          If: '<{H}{B}/d.docx> (<{token}>) <{H}{B}/1234.tmp> (<{temporaryToken}>)',
        },
        accept: [201, 204],
      },
      {
        method: 'MOVE',
        path: '{B}/1234.tmp',
        headers: {
          Destination: '{H}{B}/d.docx',
          Overwrite: 'T',
          If: '<{H}{B}/1234.tmp> (<{temporaryToken}>) <{H}{B}/d.docx> (<{token}>)',
        },
        accept: [201, 204],
      },
      reads(DOC, 'version 4'),
      // What was moved away is free of the lock; what has come in its place is held by it.
      { method: 'DELETE', path: '{B}/5678.tmp', accept: [204] },
      { method: 'PUT', path: DOC, body: 'without the token', accept: [423] },
      { method: 'PUT', path: DOC, headers: { If: '(<{token}>)' }, body: 'version 5', accept: [200, 204] },
      reads(DOC, 'version 5'),
    ],
  },
  {
    row: '11',
    rule: 'UNLOCK, and the owner file goes',
    proves: ['R6', 'R14'],
    steps: [
      { method: 'UNLOCK', path: DOC, headers: { 'Lock-Token': '<{token}>' }, accept: [204] },
      { method: 'DELETE', path: OWNER_FILE, headers: MINIREDIR, accept: [204] },
      isMissing(OWNER_FILE),
      { method: 'PUT', path: DOC, body: 'anybody’s turn', accept: [204] },
    ],
  },
  {
    row: '12',
    rule: 'HEAD of the collection',
    proves: ['R29'],
    steps: [{ method: 'HEAD', path: '{B}/', headers: EXISTENCE, accept: [200] }],
  },
];

/** client-requirements 4.2. Basic goes over TLS alone there; the order of requests is the same. */
export const office: Transcript = {
  client: 'Microsoft Office',
  section: '4.2',
  signsIn: 'challenged',
  headers: { 'User-Agent': 'Microsoft Office Word 2016', 'X-MSFSSHTTP': 'true', 'X-FeatureVersion': '1' },
  files: { 'd.docx': 'version 1' },
  rows: [...opening, ...saving],
};
