import { turns } from '../../drive/turns.js';
import type { FileRow, SourceId } from '../../stores/import-store.js';
import type { JobId } from '../../stores/job-store.js';
import type { MetadataStore } from '../../stores/metadata-store.js';
import { decodeName } from './source-paths.js';

const PAGE = 500;

/** What was not taken, why, and what to do about it. */
export interface ReportLine {
  /** At the source, as people read it. */
  readonly path: string;
  readonly outcome: 'skipped' | 'failed' | 'gone';
  readonly reason: string;
  readonly advice: string;
}

const AGAIN = 'Start the import again; it takes only what is missing.';
const REASONS: Readonly<Record<string, readonly [reason: string, advice: string]>> = {
  name: ['Its name can not be stored here: too long, or not allowed.', 'Rename it at the source, then import again.'],
  depth: [
    'It lies too deep, or its path is too long.',
    'Import a folder above it by itself with --from, or move it up at the source.',
  ],
  'same-name': [
    'Another file of the source has the same name here: the two differ in Unicode form or coding only.',
    'Rename one of them at the source, then import again.',
  ],
  exists: [
    'Something else of that name is here already.',
    'Import again with --conflict overwrite or keep-both, or rename what is here.',
  ],
  'folder-there': [
    'A folder of that name is here already.',
    'Rename the folder here or the file there, then import again.',
  ],
  changed: ['The source sent other bytes than it announced, or the file changed meanwhile.', AGAIN],
  checksum: ['What came has another checksum than the source says.', `${AGAIN} If it stays, look at the file there.`],
  trash: [
    'It is the trash of a drive, which is left out.',
    'If it is a folder of your own, import it by itself with --from.',
  ],
  unreachable: ['The source could not be reached, or broke off, several times.', AGAIN],
  refused: ['The source refused it.', 'Look whether the user may read it there, then import again.'],
  gone: ['It was imported before and is not at the source any more; here it stays.', 'Delete it here if it should go.'],
  'drive-full': ['There is no room for it.', 'Empty the trash or get a larger quota, then import again.'],
  'too-large': ['It is larger than this drive takes.', 'Ask the administrator for a larger limit, then import again.'],
  locked: ['It is locked here by somebody.', 'Unlock it, then import again.'],
};

/** Everything of the job's last run that was not taken, a page at a time. */
export async function* reportOf(metadata: MetadataStore, jobId: JobId, sourceId: SourceId): AsyncGenerator<ReportLine> {
  for (let after = 0; ; ) {
    const page = await metadata.readOne([], ({ imports }) => imports.failedFolders(jobId, after, PAGE));
    for (const { href, reason } of page) yield line(`${href}`, 'failed', reason);
    if (page.length < PAGE) break;
    after = page.at(-1)!.id;
    await turns.next();
  }
  for (const state of ['skipped', 'failed', 'gone'] as const) {
    for (let after = 0; ; ) {
      const page: FileRow[] = await metadata.readOne([], ({ imports }) =>
        imports.filesIn(sourceId, state, after, PAGE),
      );
      for (const file of page) {
        if (file.jobId === jobId && file.reason !== null) yield line(file.href, state, file.reason);
      }
      if (page.length < PAGE) break;
      after = page.at(-1)!.id;
      await turns.next();
    }
  }
}

function line(href: string, outcome: ReportLine['outcome'], reason: string | null): ReportLine {
  const [code = '', detail] = (reason ?? '').split(/: (.*)/s);
  const known = REASONS[code];
  const said = detail ? ` (${detail})` : '';
  return {
    path: `/${href.split('/').map(decodeName).join('/')}`,
    outcome,
    reason: known ? `${known[0]}${code === 'refused' || code === 'unreachable' ? said : ''}` : (detail ?? code),
    advice: known ? known[1] : AGAIN,
  };
}

/** As CSV with a head (RFC 4180), for people: as it comes. */
export async function* reportCsv(lines: AsyncIterable<ReportLine>): AsyncGenerator<string> {
  yield toCsv(['path', 'outcome', 'reason', 'what to do']);
  for await (const { path, outcome, reason, advice } of lines) yield toCsv([path, outcome, reason, advice]);
}

/** One line. A leading sign of a formula is made harmless: names come from outside. */
function toCsv(cells: readonly string[]): string {
  const line = cells
    .map((cell) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell))
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',');
  return `${line}\r\n`;
}
