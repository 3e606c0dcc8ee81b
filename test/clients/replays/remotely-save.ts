import { lockinfo } from './bodies.js';
import { body, completeEntries, header, isCollection, lists, locked, STRONG_ETAG } from './checks.js';
import { isMissing, LOCK_TOKEN, reads } from './steps.js';
import type { Step, Transcript } from './transcript.js';

const NOTE = '{B}/vault/note.md';

const stat = (path: string, accept: number): Step => ({
  method: 'PROPFIND',
  path,
  headers: { Depth: '0', 'Content-Length': '0' },
  accept: [accept],
});

const preflight = (origin: string): Step => ({
  method: 'OPTIONS',
  path: NOTE,
  as: 'nobody',
  headers: {
    Origin: origin,
    'Access-Control-Request-Method': 'PROPFIND',
    'Access-Control-Request-Headers': 'authorization,depth',
  },
  accept: [200, 204],
  checks: [header('Access-Control-Allow-Origin', origin), header('Access-Control-Allow-Methods', /\bPROPFIND\b/)],
});

/** client-requirements 2.9: Obsidian's plug-in, and what else uses npm's webdav 5.11. */
export const remotelySave: Transcript = {
  client: 'Remotely Save',
  section: '2.9',
  signsIn: 'preemptive',
  headers: { 'User-Agent': 'node-fetch', Accept: 'text/plain,application/xml' },
  rows: [
    {
      row: '1',
      rule: 'the kind of server is read off its headers, and none that uploads in its own way is announced',
      proves: ['R1', 'R28'],
      steps: [
        {
          method: 'OPTIONS',
          path: '{B}',
          accept: [200],
          checks: [header('DAV', '1, 2, 3'), header('Server', null)],
        },
      ],
    },
    {
      row: '2',
      rule: 'the vault is looked for, made, and looked for again without a slash',
      proves: ['R17', 'R24', 'R26'],
      steps: [
        stat('{B}/vault', 404),
        { method: 'MKCOL', path: '{B}/vault/', accept: [201] },
        { ...stat('{B}/vault', 207), checks: [isCollection(true)] },
      ],
    },
    {
      row: '3',
      rule: 'PUT by If-None-Match makes a file once',
      proves: ['R12', 'R13'],
      steps: [
        { method: 'PUT', path: NOTE, headers: { 'If-None-Match': '*' }, body: 'first', accept: [201] },
        { method: 'PUT', path: NOTE, headers: { 'If-None-Match': '*' }, body: 'second', accept: [412] },
        reads(NOTE, 'first'),
        { method: 'PUT', path: NOTE, body: 'second', accept: [204], checks: [header('ETag', STRONG_ETAG)] },
      ],
    },
    {
      row: '4',
      rule: 'lists of depth 1 and infinity, ten at a time',
      proves: ['R17', 'R24', 'R36'],
      isParallel: true,
      steps: Array.from({ length: 10 }, (_, index) => ({
        method: 'PROPFIND',
        path: '{B}/vault',
        headers: { Depth: index % 2 === 0 ? '1' : 'infinity', 'Content-Length': '0' },
        accept: [207],
        checks: [completeEntries, lists('note.md')],
      })),
    },
    {
      row: '5',
      rule: 'a part by Content-Range is refused, and the file stays as it was',
      proves: ['R28'],
      steps: [
        { method: 'PUT', path: NOTE, headers: { 'Content-Range': 'bytes 0-3/*' }, body: 'part', accept: [400, 501] },
        reads(NOTE, 'second'),
      ],
    },
    {
      row: '6',
      rule: 'PATCH in the way of sabre/dav is refused, and the file stays as it was',
      proves: ['R28'],
      steps: [
        {
          method: 'PATCH',
          path: NOTE,
          headers: { 'Content-Type': 'application/x-sabredav-partialupdate', 'X-Update-Range': 'append' },
          body: 'more',
          accept: [405, 415, 501],
        },
        reads(NOTE, 'second'),
      ],
    },
    {
      row: '7',
      rule: 'LOCK of no end, UNLOCK without angle brackets',
      proves: ['R4', 'R6'],
      steps: [
        {
          method: 'LOCK',
          path: NOTE,
          headers: { 'Content-Type': 'text/plain', Timeout: 'Infinite, Second-4100000000' },
          body: lockinfo('alice'),
          accept: [200],
          checks: [locked({ owner: 'alice', secondsMax: 86_400 })],
          captures: { token: LOCK_TOKEN },
        },
        { method: 'PUT', path: NOTE, body: 'not mine', accept: [423] },
        { method: 'UNLOCK', path: NOTE, headers: { 'Lock-Token': '{token}' }, accept: [204] },
        { method: 'PUT', path: NOTE, body: 'third', accept: [204] },
      ],
    },
    {
      row: '8',
      rule: 'COPY, MOVE and DELETE of the vault without a slash',
      proves: ['R14', 'R15', 'R17'],
      steps: [
        {
          method: 'COPY',
          path: '{B}/vault',
          headers: { Destination: '{H}{B}/copy', Depth: 'infinity', Overwrite: 'T' },
          accept: [201],
        },
        { method: 'MOVE', path: '{B}/vault', headers: { Destination: '{H}{B}/moved', Overwrite: 'T' }, accept: [201] },
        { method: 'GET', path: '{B}/moved/note.md', accept: [200], checks: [body('third')] },
        { method: 'DELETE', path: '{B}/copy', accept: [204] },
        isMissing('{B}/copy'),
      ],
    },
    {
      row: '9',
      rule: 'preflights of Obsidian’s origins are answered without credentials, and what apps read is exposed',
      proves: ['R37'],
      steps: [
        ...['app://obsidian.md', 'capacitor://localhost', 'http://localhost'].map(preflight),
        {
          method: 'PROPFIND',
          path: '{B}',
          headers: { Origin: 'app://obsidian.md', Depth: '0', 'Content-Length': '0' },
          accept: [207],
          checks: [
            header('Access-Control-Allow-Origin', 'app://obsidian.md'),
            ...['ETag', 'DAV', 'Lock-Token', 'Content-Length'].map((name) =>
              header('Access-Control-Expose-Headers', new RegExp(`(^|, )${name}(,|$)`)),
            ),
          ],
        },
      ],
    },
  ],
};
