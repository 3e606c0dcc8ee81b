import { seededBytes } from '../../support/trees.js';
import { lockinfo, propfind, XML_TYPE } from './bodies.js';
import {
  BYTES,
  body,
  header,
  isCollection,
  lists,
  locked,
  missingAreEmpty,
  noOtherHrefs,
  props,
  quick,
  quota,
  RFC1123,
  responses,
  STRONG_ETAG,
  statuses,
} from './checks.js';
import { chunked, isMissing, LOCK_TOKEN, reads } from './steps.js';
import type { Row, Step, Transcript } from './transcript.js';

const NFD = '{B}/u%CC%88ber.txt';
const NFC = '{B}/%C3%BCber.txt';
const APPLE_DOUBLE = '{B}/._u%CC%88ber.txt';
const OWNER = 'http://www.apple.com/webdav_fs/';
const APPLE = '{http://www.apple.com/webdav_fs/props/}';
const TYPE = { 'Content-Type': XML_TYPE };
const DEPTH_0 = { ...TYPE, Depth: '0' };
const LISTED = ['getlastmodified', 'getcontentlength', 'creationdate', 'resourcetype'];
const LISTING = propfind(...LISTED).replace(
  '</D:prop>',
  '<A:appledoubleheader xmlns:A="http://www.apple.com/webdav_fs/props/"/></D:prop>',
);
const CONTENT = seededBytes('finder', 1_048_576);
const SIDECAR = seededBytes('finder ._', 4096);

const lock = (path: string): Step => ({
  method: 'LOCK',
  path,
  headers: { ...DEPTH_0, Timeout: 'Second-600' },
  body: lockinfo(`<D:href>${OWNER}</D:href>`),
  accept: [200],
  checks: [header('Lock-Token', /^<opaquelocktoken:/), locked({ owner: OWNER, secondsMax: 600 })],
  captures: { token: LOCK_TOKEN },
});

const put = (path: string, content: Uint8Array, rest: Partial<Step> = {}): Step => ({
  method: 'PUT',
  path,
  headers: { If: '(<{token}>)', 'X-Expected-Entity-Length': String(content.length) },
  body: chunked(content),
  accept: [200, 201, 204],
  checks: [header('ETag', STRONG_ETAG), header('Last-Modified', RFC1123)],
  ...rest,
});

const unlock = (path: string): Step => ({
  method: 'UNLOCK',
  path,
  headers: { 'Lock-Token': '<{token}>' },
  accept: [204],
});

const hasSize = (path: string, size: number): Step => ({
  method: 'PROPFIND',
  path,
  headers: DEPTH_0,
  body: propfind('getcontentlength'),
  accept: [207],
  checks: [props({ getcontentlength: String(size) })],
});

const mounting: readonly Row[] = [
  {
    row: '1',
    rule: 'OPTIONS says class 2, so the volume can be written',
    proves: ['R1'],
    steps: [{ method: 'OPTIONS', path: '{B}/', accept: [200], checks: [header('DAV', /(^|,)\s*2\s*(,|$)/)] }],
  },
  {
    row: '2',
    rule: 'PROPFIND of the root has one href, and what was asked for',
    proves: ['R21', 'R22'],
    steps: [
      {
        method: 'PROPFIND',
        path: '{B}/',
        headers: DEPTH_0,
        body: propfind(...LISTED),
        accept: [207],
        checks: [
          isCollection(true),
          noOtherHrefs,
          props({ getlastmodified: RFC1123, creationdate: /Z$/, getcontentlength: null }),
        ],
      },
    ],
  },
  {
    row: '3',
    rule: 'quota is in numbers, or left out by the switch',
    proves: ['R30'],
    steps: [
      {
        method: 'PROPFIND',
        path: '{B}/',
        headers: DEPTH_0,
        body: propfind('quota-available-bytes', 'quota-used-bytes', 'quota', 'quotaused'),
        accept: [207],
        checks: [quota({ isFinder: true }), statuses({ quota: 404, quotaused: 404 }), missingAreEmpty, noOtherHrefs],
      },
    ],
  },
  {
    row: '4',
    rule: 'the listing has each name once, and no Apple properties',
    proves: ['R20', 'R21'],
    steps: [
      {
        method: 'PROPFIND',
        path: '{B}/',
        headers: { ...TYPE, Depth: '1' },
        body: LISTING,
        accept: [207],
        checks: [
          lists('a.txt', 'folder'),
          noOtherHrefs,
          statuses({ [`${APPLE}appledoubleheader`]: 404 }),
          missingAreEmpty,
        ],
      },
    ],
  },
  {
    row: '5',
    rule: 'what Finder looks for is quickly a 404',
    proves: ['R26', 'R32'],
    steps: ['._.', '.DS_Store', '.hidden', 'mach_kernel', '.Spotlight-V100', '.metadata_never_index'].map((name) => ({
      ...isMissing(`{B}/${name}`),
      checks: [quick()],
    })),
  },
];

const writing: readonly Row[] = [
  {
    row: '6',
    rule: 'an empty PUT under a decomposed name makes the file',
    proves: ['R28', 'R33'],
    steps: [
      {
        method: 'PUT',
        path: NFD,
        headers: { 'Content-Length': '0' },
        accept: [201],
        checks: [header('Date', RFC1123)],
      },
    ],
  },
  {
    row: '7',
    rule: 'both normal forms of the name are the same file',
    proves: ['R33'],
    steps: [
      {
        method: 'PROPFIND',
        path: NFD,
        headers: DEPTH_0,
        body: propfind('getetag', 'displayname'),
        accept: [207],
        captures: { etag: { property: 'getetag' } },
      },
      {
        method: 'PROPFIND',
        path: NFC,
        headers: DEPTH_0,
        body: propfind('getetag', 'displayname'),
        accept: [207],
        checks: [props({ getetag: '{etag}', displayname: 'über.txt'.normalize('NFC') })],
      },
      {
        method: 'PROPFIND',
        path: '{B}/',
        headers: { ...TYPE, Depth: '1' },
        body: LISTING,
        accept: [207],
        checks: [lists('a.txt', 'folder', 'über.txt'.normalize('NFC'))],
      },
    ],
  },
  { row: '8', rule: 'LOCK for writing', proves: ['R4'], steps: [lock(NFD)] },
  {
    row: '9',
    rule: 'a chunked PUT of 1 MiB is stored whole, and an empty one empty',
    proves: ['R12', 'R28'],
    steps: [
      put(NFD, new Uint8Array()),
      hasSize(NFD, 0),
      put(NFD, CONTENT),
      hasSize(NFD, CONTENT.length),
      reads(NFD, CONTENT),
    ],
  },
  {
    row: '9b',
    rule: 'a body shorter than announced is 400, and the old content stays',
    proves: ['R13', 'R28'],
    steps: [
      put(NFD, CONTENT.subarray(0, 500_000), {
        headers: { If: '(<{token}>)', 'X-Expected-Entity-Length': '1048576' },
        accept: [400],
        checks: [],
      }),
      put(NFD, new Uint8Array(), {
        headers: { If: '(<{token}>)', 'X-Expected-Entity-Length': '1048576' },
        accept: [400],
        checks: [],
      }),
      hasSize(NFC, CONTENT.length),
      reads(NFC, CONTENT),
    ],
  },
  {
    row: '10',
    rule: 'the lock is refreshed',
    proves: ['R4'],
    steps: [
      {
        method: 'LOCK',
        path: NFD,
        headers: { If: '(<{token}>)', Timeout: 'Second-600', 'Content-Length': '0' },
        accept: [200],
        checks: [locked({ owner: OWNER, secondsMax: 600, token: '{token}' })],
      },
    ],
  },
  { row: '11', rule: 'UNLOCK', proves: ['R6', 'R39'], steps: [unlock(NFD), { ...put(NFD, CONTENT), headers: {} }] },
  {
    row: '12',
    rule: 'the AppleDouble file beside it is stored like any other',
    proves: ['R28', 'R32'],
    steps: [
      { method: 'PUT', path: APPLE_DOUBLE, headers: { 'Content-Length': '0' }, accept: [201] },
      lock(APPLE_DOUBLE),
      put(APPLE_DOUBLE, SIDECAR),
      unlock(APPLE_DOUBLE),
      reads(APPLE_DOUBLE, SIDECAR),
    ],
  },
];

const using: readonly Row[] = [
  {
    row: '13',
    rule: 'a part, by Range and If-Range with the date',
    proves: ['R29'],
    steps: [
      {
        method: 'HEAD',
        path: NFD,
        accept: [200],
        checks: [header('Content-Length', BYTES)],
        captures: { modified: { header: 'last-modified' } },
      },
      {
        method: 'GET',
        path: NFD,
        headers: { Range: 'bytes=0-65535', 'If-Range': '{modified}' },
        accept: [206],
        checks: [body(CONTENT.subarray(0, 65_536)), header('Content-Range', 'bytes 0-65535/1048576')],
      },
      { ...reads(NFD, CONTENT), headers: { Range: 'bytes=0-65535', 'If-Range': 'Wed, 01 Jan 2020 10:00:00 GMT' } },
    ],
  },
  {
    row: '14',
    rule: 'If-Modified-Since with the date of now is 304',
    proves: ['R29'],
    steps: [{ method: 'GET', path: NFD, headers: { 'If-Modified-Since': '{modified}' }, accept: [304] }],
  },
  {
    row: '15',
    rule: 'MOVE without Overwrite makes, and replaces',
    proves: ['R14', 'R16', 'R33'],
    steps: [
      { method: 'MOVE', path: NFD, headers: { Destination: '{H}{B}/neu.txt' }, accept: [201] },
      isMissing(NFC),
      { method: 'PUT', path: '{B}/other.txt', body: 'other', accept: [201] },
      { method: 'MOVE', path: '{B}/other.txt', headers: { Destination: '{H}{B}/neu.txt' }, accept: [204] },
      reads('{B}/neu.txt', 'other'),
    ],
  },
  {
    row: '16',
    rule: 'a new folder gets its name',
    proves: ['R14', 'R17'],
    steps: [
      { method: 'MKCOL', path: '{B}/untitled%20folder/', accept: [201] },
      { method: 'MOVE', path: '{B}/untitled%20folder/', headers: { Destination: '{H}{B}/n/' }, accept: [201] },
    ],
  },
  {
    row: '17',
    rule: 'an empty folder lists itself alone, and goes without a 207',
    proves: ['R14', 'R39'],
    steps: [
      {
        method: 'PROPFIND',
        path: '{B}/n/',
        headers: { ...TYPE, Depth: '1' },
        body: LISTING,
        accept: [207],
        checks: [responses(1)],
      },
      { method: 'DELETE', path: '{B}/n/', accept: [204] },
      isMissing('{B}/n/'),
    ],
  },
  {
    row: '18',
    rule: 'more than the drive has room for is 507, and nothing changes',
    proves: ['R35'],
    steps: [
      put('{B}/neu.txt', CONTENT, { headers: { 'X-Expected-Entity-Length': '7000000000' }, accept: [507], checks: [] }),
      reads('{B}/neu.txt', 'other'),
    ],
  },
];

/** client-requirements 4.3, WebDAVFS. */
export const finder: Transcript = {
  client: 'Finder',
  section: '4.3',
  signsIn: 'challenged',
  headers: {
    'User-Agent': 'WebDAVFS/3.0.0 (03008000) Darwin/24.0.0 (arm64)',
    Accept: '*/*',
    'X-Apple-Realm-Support': '1.0',
    'X-Source-Id': '7D1B3B4C-0E26-4F4B-9A6F-0B9D2C3E4F50',
  },
  files: { 'a.txt': 'a', 'folder/': '' },
  rows: [...mounting, ...writing, ...using],
};
