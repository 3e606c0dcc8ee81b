import { QUOTA } from './bodies.js';
import { BYTES, body, type Expected, header, isCollection, json, lists, props, STRONG_ETAG } from './checks.js';
import { isMissing, reads } from './steps.js';
import type { Row, Step, Transcript } from './transcript.js';

const OCS = { 'OCS-APIREQUEST': 'true', Accept: 'application/json' };
const JSON_TYPE = /^application\/json\b/;
const OC = '{http://owncloud.org/ns}';
const FILES = '/remote.php/dav/files/{user}';
const XML = { 'Content-Type': 'application/xml; charset=utf-8' };
const DISCOVERY =
  '<?xml version="1.0" encoding="UTF-8"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop>' +
  '<d:resourcetype/><d:getlastmodified/><d:getcontentlength/><d:getetag/><oc:size/><oc:id/><oc:fileid/><oc:permissions/>' +
  '<oc:checksums/></d:prop></d:propfind>';

const open = (path: string, accept: number, checks: Step['checks'] = []): Step => ({
  method: 'GET',
  path,
  as: 'nobody',
  accept: [accept],
  checks,
});

const ocs = (path: string, code: string, checks: Step['checks'] = []): Step => ({
  method: 'GET',
  path,
  headers: OCS,
  accept: [200],
  checks: [header('Content-Type', JSON_TYPE), json(['ocs', 'meta', 'statuscode'], code), ...checks],
});

const list = (path: string): Step => ({
  method: 'PROPFIND',
  path,
  headers: { ...XML, Depth: '1' },
  body: DISCOVERY,
  accept: [207],
  checks: [
    isCollection(true),
    props({
      getetag: STRONG_ETAG,
      [`${OC}id`]: /^\d{8,}/,
      [`${OC}fileid`]: BYTES,
      [`${OC}size`]: BYTES,
      [`${OC}permissions`]: /CK/,
    }),
  ],
});

const etag = (path: string, name: string, expected: Expected = STRONG_ETAG): Step => ({
  method: 'PROPFIND',
  path: `{D}${FILES}${path}`,
  headers: { ...XML, Depth: '0' },
  body: DISCOVERY,
  accept: [207],
  checks: [props({ getetag: expected })],
  captures: { [name]: { property: 'getetag' } },
});

const signingIn: readonly Row[] = [
  {
    row: '1',
    rule: 'status.php answers everybody',
    proves: ['R34'],
    steps: ['', '{D}'].map((at) =>
      open(`${at}/status.php`, 200, [
        header('Content-Type', JSON_TYPE),
        json(['installed'], 'true'),
        json(['maintenance'], 'false'),
        json(['needsDbUpgrade'], 'false'),
        json(['version'], /^\d+\.\d+\.\d+\.\d+$/),
        json(['versionstring'], /^\d+\.\d+\.\d+$/),
      ]),
    ),
  },
  {
    row: '2',
    rule: 'the login flow begins with a page, and its poll is 404 until somebody has granted',
    proves: ['R34'],
    steps: [
      {
        method: 'POST',
        path: '{D}/index.php/login/v2',
        as: 'nobody',
        headers: { 'Content-Length': '0' },
        accept: [200],
        checks: [
          header('Content-Type', JSON_TYPE),
          json(['poll', 'endpoint'], '{H}{D}/index.php/login/v2/poll'),
          json(['login'], /\/index\.php\/login\/v2\/flow\/\S{20,}$/),
        ],
        captures: { poll: { json: ['poll', 'token'] } },
      },
      {
        method: 'POST',
        path: '{D}/index.php/login/v2/poll',
        as: 'nobody',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: 'token={poll}',
        accept: [404],
      },
    ],
  },
  {
    row: '3',
    rule: 'the kind of sign-in is found by requests without credentials: Basic',
    proves: ['R2', 'R34'],
    steps: ['GET', 'PROPFIND'].map((method) => ({
      method,
      path: '{D}/remote.php/webdav/',
      as: 'nobody',
      headers: { Depth: '0' },
      accept: [401],
      checks: [header('WWW-Authenticate', 'Basic realm="Firn", charset="UTF-8"')],
    })),
  },
  {
    row: '4',
    rule: 'capabilities and user, in both versions of the envelope',
    proves: ['R34'],
    steps: [
      ...[
        ['v1', '100'],
        ['v2', '200'],
      ].flatMap(([version, code]) => [
        ocs(`/ocs/${version}.php/cloud/capabilities?format=json`, code!, [
          json(['ocs', 'data', 'capabilities', 'dav', 'chunking'], '1.0'),
          json(['ocs', 'data', 'capabilities', 'files', 'bigfilechunking'], 'true'),
          json(['ocs', 'data', 'capabilities', 'checksums', 'preferredUploadType'], 'SHA1'),
          json(['ocs', 'data', 'version', 'major'], BYTES),
        ]),
        ocs(`/ocs/${version}.php/cloud/user?format=json`, code!, [
          json(['ocs', 'data', 'id'], '{user}'),
          json(['ocs', 'data', 'display-name'], 'Alice'),
        ]),
      ]),
      {
        method: 'GET',
        path: '/ocs/v1.php/cloud/user',
        headers: { 'OCS-APIREQUEST': 'true' },
        accept: [200],
        checks: [
          header('Content-Type', /^application\/xml\b/),
          body(/<statuscode>100<\/statuscode>[\s\S]*<id>alice@example\.org<\/id>/),
        ],
      },
    ],
  },
];

const syncing: readonly Row[] = [
  {
    row: '5',
    rule: 'the trees are listed with and without a slash, and with two',
    proves: ['R17', 'R34'],
    steps: [
      ...['/remote.php/webdav/', '/remote.php/webdav', `${FILES}/`, FILES].flatMap((path) => [
        list(path),
        list(`{D}${path}`),
      ]),
      list('/remote.php//webdav//'),
      list('/remote.php/dav//files/{user}//'),
    ],
  },
  {
    row: '6',
    rule: 'the app looks whether it is on-line',
    proves: ['R34'],
    steps: [open('/index.php/204', 204), open('{D}/index.php/204', 204)],
  },
  {
    row: '7',
    rule: 'the folder above the trees answers (ownCloud for Android), without a type for folders',
    proves: ['R22', 'R31', 'R34'],
    steps: [
      {
        method: 'PROPFIND',
        path: '/remote.php/dav/files/',
        headers: { Depth: '0' },
        accept: [207],
        checks: [isCollection(true), props({ getcontenttype: null })],
      },
      {
        method: 'PROPFIND',
        path: '{D}/remote.php/dav/files/',
        headers: { Depth: '1' },
        accept: [207],
        checks: [isCollection(true)],
      },
    ],
  },
  {
    row: '8',
    rule: 'an unknown OCS address is 404 inside and out, in JSON',
    proves: ['R34'],
    steps: [
      {
        method: 'GET',
        path: '/ocs/v2.php/apps/files/api/v1/directEditing?format=json',
        headers: OCS,
        accept: [404],
        checks: [
          header('Content-Type', JSON_TYPE),
          json(['ocs', 'meta', 'status'], 'failure'),
          json(['ocs', 'meta', 'statuscode'], '404'),
        ],
      },
      ocs('/ocs/v1.php/apps/nothing?format=json', '998', [json(['ocs', 'meta', 'status'], 'failure')]),
    ],
  },
  {
    row: '9',
    rule: 'PUT with the times of change and creation',
    proves: ['R9', 'R12', 'R34'],
    steps: [
      {
        method: 'PUT',
        path: `{D}${FILES}/apps.txt`,
        headers: { 'X-OC-Mtime': '1577872800', 'X-OC-CTime': '1546336800' },
        body: 'from a phone',
        accept: [201],
        checks: [
          header('OC-ETag', STRONG_ETAG),
          header('OC-FileId', /^\d{8,}/),
          header('X-OC-MTime', 'accepted'),
          header('X-OC-CTime', 'accepted'),
        ],
      },
      {
        method: 'PROPFIND',
        path: `{D}${FILES}/apps.txt`,
        headers: { Depth: '0' },
        accept: [207],
        checks: [props({ getlastmodified: 'Wed, 01 Jan 2020 10:00:00 GMT', creationdate: '2019-01-01T10:00:00Z' })],
      },
      reads(`{D}${FILES}/apps.txt`, 'from a phone'),
      { method: 'DELETE', path: `{D}${FILES}/apps.txt`, accept: [204] },
      isMissing(`{D}${FILES}/apps.txt`),
    ],
  },
  {
    row: '10',
    rule: 'the search for favourites is answered',
    proves: ['R34'],
    steps: [
      {
        method: 'REPORT',
        path: `{D}${FILES}/`,
        headers: XML,
        body: '<?xml version="1.0"?><oc:filter-files xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:getetag/></d:prop><oc:filter-rules><oc:favorite>1</oc:favorite></oc:filter-rules></oc:filter-files>',
        accept: [207],
      },
    ],
  },
  {
    row: '11',
    rule: 'avatars and previews are 404, and no page',
    proves: ['R26', 'R34'],
    steps: [
      '/remote.php/dav/avatars/{user}/128.png',
      '{D}/remote.php/dav/avatars/{user}/128.png',
      '/index.php/core/preview.png?file=%2Fapps.txt&x=256&y=256',
      '{D}/index.php/core/preview?fileId=1',
    ].map((path) => ({
      method: 'GET',
      path,
      accept: [404],
      checks: [header('Content-Type', /^application\/(json|xml)\b/)],
    })),
  },
  {
    row: '12',
    rule: 'quota of the tree’s root in numbers',
    proves: ['R30'],
    steps: [
      {
        method: 'PROPFIND',
        path: `{D}${FILES}/`,
        headers: { ...XML, Depth: '0' },
        body: QUOTA,
        accept: [207],
        checks: [lists(), props({ 'quota-available-bytes': BYTES, 'quota-used-bytes': BYTES })],
      },
    ],
  },
  {
    row: '13',
    rule: 'a change deep down changes the ETag of each folder above it and of no other, and a file’s id stays by MOVE',
    proves: ['R25', 'R34', 'R40'],
    steps: [
      { method: 'MKCOL', path: `{D}${FILES}/deep`, accept: [201] },
      { method: 'MKCOL', path: `{D}${FILES}/deep/er`, accept: [201] },
      { method: 'MKCOL', path: `{D}${FILES}/aside`, accept: [201] },
      etag('/', 'root'),
      etag('/deep', 'deep'),
      etag('/aside', 'aside'),
      {
        method: 'PUT',
        path: `{D}${FILES}/deep/er/f`,
        body: 'f',
        accept: [201],
        captures: { id: { header: 'oc-fileid' } },
      },
      etag('/', 'root', { not: '{root}' }),
      etag('/deep', 'deep', { not: '{deep}' }),
      etag('/aside', 'aside', '{aside}'),
      {
        method: 'MOVE',
        path: `{D}${FILES}/deep/er/f`,
        headers: { Destination: `{D}${FILES}/deep/g` },
        accept: [201],
        checks: [header('OC-FileId', '{id}')],
      },
      etag('/', 'root', { not: '{root}' }),
      etag('/deep', 'deep', { not: '{deep}' }),
      etag('/aside', 'aside', '{aside}'),
      { method: 'DELETE', path: `{D}${FILES}/deep`, accept: [204] },
      { method: 'DELETE', path: `{D}${FILES}/aside`, accept: [204] },
    ],
  },
];

/** client-requirements 4.13: the desktop's dialogs, and the apps for Android and iOS. */
export const nextcloudOwncloudApps: Transcript = {
  client: 'Nextcloud and ownCloud apps',
  section: '4.13',
  signsIn: 'preemptive',
  headers: { 'User-Agent': 'Mozilla/5.0 (Android) Nextcloud-android/3.30.0' },
  rows: [...signingIn, ...syncing],
};
