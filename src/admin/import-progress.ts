import { setTimeout as wait } from 'node:timers/promises';
import cliProgress from 'cli-progress';
import type { Imports, ImportView } from '../jobs/import/imports.js';
import type { JobId } from '../stores/job-store.js';
import { formatByteSize } from './byte-size.js';
import { toIso, toMinute } from './workplace.js';

/** Time between two looks, in milliseconds. */
const LOOK_MS = 500;

/** As scripts get it. */
export function toJson({ nextAt, createdAt, startedAt, endedAt, ...view }: ImportView) {
  const iso = (time: number | null) => (time === null ? null : toIso(time));
  const times = { nextAt: iso(nextAt), createdAt: toIso(createdAt), startedAt: iso(startedAt), endedAt: iso(endedAt) };
  return { ...view, ...times, secondsLeft: secondsLeft({ ...view, nextAt, createdAt, startedAt, endedAt }) };
}

/** Lines of what and how, for people. */
export function factsOf(view: ImportView): [what: string, how: string][] {
  const { id, state, driveId, url, user, to, conflict, error, nextAt, createdAt, startedAt, endedAt } = view;
  const facts: [string, string | null][] = [
    ['import', `${id}`],
    ['state', nextAt === null ? state : `${state}, next try at ${toMinute(nextAt)}`],
    ['from', `${url} as ${user}`],
    ['to', `${to} of drive ${driveId}`],
    ['conflicts', conflict],
    ['queued', toMinute(createdAt)],
    ['begun', startedAt === null ? null : toMinute(startedAt)],
    ['ended', endedAt === null ? null : toMinute(endedAt)],
    ['folders', foldersText(view)],
    ['files', filesText(view)],
    ['bytes', view.files === undefined ? null : bytesText(view)],
    ['error', error],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== null);
}

/** Of those that have an end. */
export function isComplete({ state, failed = 0, skipped = 0 }: ImportView): boolean {
  return state === 'succeeded' && failed + skipped === 0;
}

/** Waits for the end; on a terminal with bars for files and bytes. */
export async function watchImport(imports: Imports, id: JobId): Promise<ImportView> {
  const isTerminal = process.stderr.isTTY;
  const bars = isTerminal
    ? new cliProgress.MultiBar(
        { stream: process.stderr, hideCursor: true, barsize: 24, format: '{what} {bar} {text}' },
        cliProgress.Presets.shades_classic,
      )
    : null;
  const files = bars?.create(1, 0, { what: 'files', text: '' });
  const bytes = bars?.create(1, 0, { what: 'bytes', text: '' });
  try {
    for (;;) {
      const view = (await imports.find(id))!;
      const { files: all = 0, bytes: size = 0, endedBytes = 0 } = view;
      files?.setTotal(Math.max(1, all));
      files?.update(endedFiles(view), { text: view.files === undefined ? view.state : shortFilesText(view) });
      bytes?.setTotal(Math.max(1, size));
      bytes?.update(Math.min(endedBytes, Math.max(1, size)), { text: view.error ?? bytesText(view) });
      if (view.endedAt !== null) return view;
      await wait(LOOK_MS);
    }
  } finally {
    bars?.stop();
  }
}

function endedFiles({ done = 0, unchanged = 0, skipped = 0, failed = 0 }: ImportView): number {
  return done + unchanged + skipped + failed;
}

function shortFilesText(view: ImportView): string {
  return `${endedFiles(view)} of ${view.files}${view.foldersLeft ? ' so far' : ''}`;
}

function foldersText({ folders, foldersLeft = 0 }: ImportView): string | null {
  if (folders === undefined) return null;
  return foldersLeft > 0 ? `${folders} so far, ${foldersLeft} of them to be listed` : `${folders}`;
}

function filesText(view: ImportView): string | null {
  if (view.files === undefined) return null;
  const { done = 0, unchanged = 0, skipped = 0, failed = 0, gone = 0 } = view;
  const parts: [number, string][] = [
    [done, 'taken'],
    [unchanged, 'unchanged'],
    [skipped, 'skipped'],
    [failed, 'failed'],
    [gone, 'no longer at the source'],
  ];
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return [shortFilesText(view), ...said].join(', ');
}

function bytesText(view: ImportView): string {
  const { bytes = 0, endedBytes = 0, bytesPerSecond = 0, endedAt } = view;
  const sizes = `${formatByteSize(endedBytes)} of ${formatByteSize(bytes)}`;
  if (endedAt !== null || bytesPerSecond === 0) return sizes;
  const left = secondsLeft(view);
  return `${sizes}, ${formatByteSize(bytesPerSecond)}/s${left === null ? '' : `, ${durationText(left)} left`}`;
}

/** Of what is known so far; null while nothing comes. */
function secondsLeft({ bytes = 0, endedBytes = 0, bytesPerSecond = 0, endedAt }: ImportView): number | null {
  if (endedAt !== null || bytesPerSecond === 0) return null;
  return Math.ceil(Math.max(0, bytes - endedBytes) / bytesPerSecond);
}

function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
