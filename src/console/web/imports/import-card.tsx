import type { ImportCounts, ImportEntry } from '../../contract/imports.js';
import { api } from '../api.js';
import { addressOf } from '../calls.js';
import { drives } from '../drives.js';
import { formatAgo, formatBytes, formatNumber, formatTime } from '../format.js';
import { decodePath } from '../router.js';
import { useStore } from '../store.js';
import { common } from '../strings.js';
import { Button, LinkButton } from '../ui/button.js';
import { Badge, Notice, Progress } from '../ui/feedback.js';
import { DownloadIcon, RefreshIcon } from '../ui/icons.js';
import { Card } from '../ui/page.js';
import { toast, toastError } from '../ui/toasts.js';
import { text } from './texts.js';

interface ImportCardProps {
  readonly entry: ImportEntry;
  readonly onChange: () => Promise<void>;
  readonly onAgain: () => void;
}

/** One import: from where to where, how far, how it ended. */
export function ImportCard({ entry, onChange, onAgain }: ImportCardProps) {
  const { id, driveId, url, user, to, error, nextAt, createdAt, endedAt, progress } = entry;
  const drive = useStore(drives)?.find((one) => one.id === driveId);
  const state = stateOf(entry);
  const cancel = async () => {
    await api('DELETE /api/imports/:id', { parameters: { id } }).then(
      () => toast({ text: text.cancelled }),
      toastError,
    );
    await onChange();
  };
  const isOpen = endedAt === null;
  return (
    <Card
      title={new URL(url).host}
      lead={`/${decodePath(new URL(url).pathname.slice(1))} · ${text.as(user)} · ${text.into(to, drive?.name ?? String(driveId))}`}
      actions={<Badge tone={state.tone}>{state.text}</Badge>}
    >
      {error && entry.state !== 'succeeded' ? (
        <Notice tone={entry.state === 'failed' ? 'bad' : 'warn'}>
          {error}
          {nextAt ? ` ${text.nextTry(formatAgo(nextAt))}.` : ''}
        </Notice>
      ) : null}
      {progress ? <Counts counts={progress} isOpen={isOpen} /> : null}
      <div class="row spread">
        <p class="soft small">{formatTime(endedAt ?? createdAt)}</p>
        <span class="row">
          {progress && progress.skipped + progress.failed + progress.gone > 0 ? (
            <LinkButton
              slim
              download
              href={addressOf('GET /api/imports/:id/report', { parameters: { id } })}
              icon={<DownloadIcon size={18} />}
            >
              {text.report}
            </LinkButton>
          ) : null}
          {isOpen ? (
            <Button slim look="danger" onClick={cancel}>
              {common.cancel}
            </Button>
          ) : (
            <Button slim icon={<RefreshIcon size={18} />} onClick={onAgain}>
              {text.again}
            </Button>
          )}
        </span>
      </div>
    </Card>
  );
}

function Counts({ counts, isOpen }: { readonly counts: ImportCounts; readonly isOpen: boolean }) {
  const { folders, foldersLeft, files, bytes, done, unchanged, skipped, failed, gone } = counts;
  const { endedBytes, bytesPerSecond } = counts;
  const ended = done + unchanged + skipped + failed;
  const parts: [number, (count: string) => string][] = [
    [done, text.taken],
    [unchanged, text.unchanged],
    [skipped, text.skipped],
    [failed, text.failedFiles],
    [gone, text.gone],
  ];
  const outcomes = parts.filter(([count]) => count > 0).map(([count, say]) => say(formatNumber(count)));
  const isMoving = isOpen && bytesPerSecond > 0;
  const seconds = isMoving && foldersLeft === 0 ? (bytes - endedBytes) / bytesPerSecond : null;
  const facts = [
    text.files(formatNumber(ended), formatNumber(files)),
    text.bytes(formatBytes(endedBytes), formatBytes(bytes)),
    isMoving ? text.speed(formatBytes(bytesPerSecond)) : null,
    seconds === null ? null : text.left(durationText(seconds)),
  ];
  return (
    <div class="stack tight">
      {isOpen ? <Progress part={partOf(ended, files, endedBytes, bytes)} label={common.imports} /> : null}
      <p class="number">{facts.filter(Boolean).join(' · ')}</p>
      {isOpen && foldersLeft > 0 ? (
        <p class="soft small number">{text.looking(formatNumber(folders), formatNumber(foldersLeft))}</p>
      ) : null}
      {outcomes.length > 0 ? <p class="soft small number">{outcomes.join(' · ')}</p> : null}
    </div>
  );
}

/** By bytes and by files: neither many small files nor few large ones make it stand still. */
function partOf(ended: number, files: number, endedBytes: number, bytes: number): number {
  if (files === 0) return 0;
  const byFiles = ended / files;
  return bytes === 0 ? byFiles : (byFiles + Math.min(1, endedBytes / bytes)) / 2;
}

function durationText(seconds: number): string {
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  return minutes < 120 ? text.minutes(minutes) : text.hours(Math.round(minutes / 60));
}

function stateOf({ state, progress }: ImportEntry): {
  text: string;
  tone: 'neutral' | 'good' | 'warn' | 'bad' | 'accent';
} {
  if (state === 'succeeded') {
    const hasGaps = progress !== null && progress.skipped + progress.failed > 0;
    return hasGaps ? { text: text.states.incomplete, tone: 'warn' } : { text: text.states.succeeded, tone: 'good' };
  }
  const tones = { waiting: 'neutral', running: 'accent', failed: 'bad', cancelled: 'neutral' } as const;
  return { text: text.states[state], tone: tones[state] };
}
