import { useState } from 'preact/hooks';
import { formatBytes } from '../format.js';
import { useStore } from '../store.js';
import { common } from '../strings.js';
import { Button } from '../ui/button.js';
import { Progress } from '../ui/feedback.js';
import * as icons from '../ui/icons.js';
import { PauseIcon, PlayIcon } from './file-icons.js';
import { text } from './texts.js';
import type { TusUpload, UploadStage } from './tus-upload.js';
import type { QueueTotals } from './upload-queue.js';
import { uploadChanges, uploads } from './uploads.js';
import './uploads.css';

/** Nobody reads more lines than these; those that need somebody come first. */
const LINES_MAX = 60;
const ORDER: readonly UploadStage[] = ['taken', 'failed', 'sending', 'retrying', 'paused', 'waiting', 'done'];

/** Beside the pages, so that it stays while they change. */
export function UploadPanel() {
  useStore(uploadChanges);
  const [isFolded, setFolded] = useState(false);
  const totals = uploads.totals();
  const said = totals.files === 0 ? '' : headOf(totals);
  const lines = [...uploads.uploads].sort((one, other) => ORDER.indexOf(one.stage) - ORDER.indexOf(other.stage));
  return (
    <>
      <p class="visually-hidden" role="status">
        {said}
      </p>
      {totals.files === 0 ? null : (
        <section class="uploads" aria-label={text.uploads}>
          <header>
            <div>
              <h2>{said}</h2>
              <p class="soft number small">{`${formatBytes(totals.sentBytes)} / ${formatBytes(totals.bytes)}`}</p>
            </div>
            <Button
              look="quiet"
              slim
              label={isFolded ? text.unfold : text.fold}
              icon={isFolded ? <icons.PlusIcon /> : <icons.ChevronDownIcon />}
              onClick={() => setFolded(!isFolded)}
            />
            {totals.busyFiles + totals.pausedFiles + totals.takenFiles === 0 ? (
              <Button
                look="quiet"
                slim
                label={common.close}
                icon={<icons.CloseIcon />}
                onClick={() => uploads.cancelAll()}
              />
            ) : null}
          </header>
          <Progress label={text.uploads} part={totals.bytes === 0 ? 1 : totals.sentBytes / totals.bytes} />
          {isFolded ? null : (
            <>
              <ForAll totals={totals} />
              <ul>
                {lines.slice(0, LINES_MAX).map((upload) => (
                  <Line key={upload.id} upload={upload} />
                ))}
                {lines.length > LINES_MAX ? <li class="soft">{text.moreUploads(lines.length - LINES_MAX)}</li> : null}
              </ul>
            </>
          )}
        </section>
      )}
    </>
  );
}

function headOf({ files, doneFiles, busyFiles, takenFiles, failedFiles, pausedFiles }: QueueTotals): string {
  if (busyFiles > 0) return text.uploading(doneFiles, files);
  if (takenFiles + failedFiles > 0) return text.uploadsOpen(takenFiles + failedFiles);
  return pausedFiles > 0 ? text.uploadsPaused : text.uploaded(doneFiles);
}

function ForAll({ totals }: { readonly totals: QueueTotals }) {
  const { busyFiles, pausedFiles, takenFiles, failedFiles } = totals;
  const all: [boolean, string, () => void][] = [
    [takenFiles > 1, text.replaceAll, () => uploads.resumeAll('taken', 'replace')],
    [takenFiles > 1, text.keepAll, () => uploads.resumeAll('taken', 'keep-both')],
    [failedFiles > 1, text.retryAll, () => uploads.resumeAll('failed')],
    [busyFiles > 1, text.pauseAll, () => uploads.pauseAll()],
    [pausedFiles > 1, text.resumeAll, () => uploads.resumeAll()],
  ];
  const shown = all.filter(([isShown]) => isShown);
  if (shown.length === 0) return null;
  return (
    <div class="uploads-all">
      {shown.map(([, text, choose]) => (
        <Button key={text} slim onClick={choose}>
          {text}
        </Button>
      ))}
    </div>
  );
}

function Line({ upload }: { readonly upload: TusUpload }) {
  const { stage, name, sentBytes, source } = upload;
  const { size } = source.content;
  const isUnderWay = stage === 'sending' || stage === 'retrying' || stage === 'paused';
  return (
    <li class={`upload ${stage}`}>
      <div class="upload-name">
        <span class="clip" title={name}>
          {name}
        </span>
        <span class="soft number">
          {isUnderWay ? `${formatBytes(sentBytes)} / ${formatBytes(size)}` : formatBytes(size)}
        </span>
      </div>
      {isUnderWay ? <Progress label={name} part={size === 0 ? 0 : sentBytes / size} /> : null}
      <div class="upload-state">
        <span class={stage === 'failed' || stage === 'taken' ? 'bad' : 'soft'}>{stateOf(upload)}</span>
        <Actions upload={upload} name={name} />
      </div>
    </li>
  );
}

function stateOf({ stage, error }: TusUpload): string {
  if (stage !== 'failed' || !error) return text.stages[stage];
  if (error.kind === 'unreadable') return text.unreadable;
  if (error.kind === 'server-busy') return text.serverBusy;
  return error.kind.startsWith('status-')
    ? common.serverFailed(Number(error.message))
    : common.refusal(error.kind, error.message);
}

function Actions({ upload, name }: { readonly upload: TusUpload; readonly name: string }) {
  const { stage } = upload;
  if (stage === 'done') return <icons.CheckIcon size={18} />;
  return (
    <span class="upload-actions">
      {stage === 'taken' ? (
        <>
          <Button slim onClick={() => uploads.resume(upload, 'replace')}>
            {text.replace}
          </Button>
          <Button slim onClick={() => uploads.resume(upload, 'keep-both')}>
            {text.keepBoth}
          </Button>
        </>
      ) : null}
      {stage === 'sending' || stage === 'retrying' || stage === 'waiting' ? (
        <Button
          look="quiet"
          slim
          label={text.pause(name)}
          icon={<PauseIcon size={18} />}
          onClick={() => upload.pause()}
        />
      ) : null}
      {stage === 'paused' ? (
        <Button
          look="quiet"
          slim
          label={text.resume(name)}
          icon={<PlayIcon size={18} />}
          onClick={() => uploads.resume(upload)}
        />
      ) : null}
      {stage === 'failed' ? (
        <Button
          look="quiet"
          slim
          label={text.retry(name)}
          icon={<icons.RefreshIcon size={18} />}
          onClick={() => uploads.resume(upload)}
        />
      ) : null}
      <Button
        look="quiet"
        slim
        label={text.cancelUpload(name)}
        icon={<icons.CloseIcon size={18} />}
        onClick={() => uploads.cancel(upload)}
      />
    </span>
  );
}
