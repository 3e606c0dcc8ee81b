import { useState } from 'preact/hooks';
import type { FileEntry } from '../../contract/files.js';
import type { VersionEntry } from '../../contract/versions.js';
import { formatAgo, formatBytes, formatMoment } from '../format.js';
import { common } from '../strings.js';
import { Button, LinkButton } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Badge, EmptyState, LoadFailed, Skeleton } from '../ui/feedback.js';
import { DownloadIcon } from '../ui/icons.js';
import { Question } from '../ui/question.js';
import { toast } from '../ui/toasts.js';
import { restoreVersion, versionAddress } from './file-api.js';
import { RestoreIcon } from './file-icons.js';
import { text } from './texts.js';
import { useVersions } from './use-versions.js';

interface VersionsDialogProps {
  readonly driveId: number;
  readonly file: FileEntry;
  /** The file contains something else now. */
  readonly onRestored: () => unknown;
  readonly onClose: () => void;
}

/** What a file contains and contained; each can be downloaded, and restored by who may change the file. */
export function VersionsDialog({ driveId, file, onRestored, onClose }: VersionsDialogProps) {
  const { versions, next, error, reload, more } = useVersions(driveId, file.path);
  const [asked, setAsked] = useState<VersionEntry | null>(null);
  const restore = async ({ version, from }: VersionEntry) => {
    await restoreVersion(driveId, file.path, version!);
    toast({ text: text.versionRestored(file.name, whenOf(from)) });
    await Promise.all([reload(), onRestored()]);
  };
  const isEmpty = next === null && versions?.every(({ version }) => version === null);
  return (
    <Dialog title={text.versionsTitle(file.name)} large onClose={onClose}>
      {error ? <LoadFailed error={error} onRetry={reload} /> : null}
      {!versions && !error ? <Skeleton lines={4} /> : null}
      {isEmpty ? <EmptyState title={text.noVersionsTitle}>{text.noVersions}</EmptyState> : null}
      {versions && !isEmpty ? (
        <>
          <p class="soft">{text.versionsLead}</p>
          <ul class="lines" aria-label={text.versionsTitle(file.name)}>
            {versions.map((version) => (
              <Line
                key={version.version ?? 'now'}
                version={version}
                address={versionAddress(driveId, file.path, version.version)}
                onRestore={file.mayChange && version.version !== null ? () => setAsked(version) : null}
              />
            ))}
          </ul>
        </>
      ) : null}
      {next === null ? null : (
        <div class="row">
          <Button onClick={more}>{common.more}</Button>
        </div>
      )}
      {asked ? (
        <Question
          title={text.restoreVersionQuestion(whenOf(asked.from))}
          action={text.restore}
          isDangerous={false}
          onYes={() => restore(asked)}
          onClose={() => setAsked(null)}
        >
          {text.restoreVersionText}
        </Question>
      ) : null}
    </Dialog>
  );
}

interface LineProps {
  readonly version: VersionEntry;
  readonly address: string;
  readonly onRestore: (() => void) | null;
}

function Line({ version: { version, from, size, by, appPassword }, address, onRestore }: LineProps) {
  const who = by === null ? null : text.versionBy(by, appPassword);
  const which = <span class="visually-hidden">{text.versionOf(whenOf(from))}</span>;
  return (
    <li>
      <div>
        {from === null ? (
          <strong>{text.versionLongAgo}</strong>
        ) : (
          <time dateTime={from}>
            <strong>{formatAgo(from)}</strong>
          </time>
        )}{' '}
        {version === null ? <Badge tone="good">{text.versionNow}</Badge> : null}
        <p class="soft small">{[from && formatMoment(from), who, formatBytes(size)].filter(Boolean).join(' · ')}</p>
      </div>
      <span class="row">
        <LinkButton slim download href={address} icon={<DownloadIcon />}>
          <span class="tool-text">{text.download}</span>
          {which}
        </LinkButton>
        {onRestore ? (
          <Button slim icon={<RestoreIcon />} onClick={onRestore}>
            <span class="tool-text">{text.restore}</span>
            {which}
          </Button>
        ) : null}
      </span>
    </li>
  );
}

function whenOf(from: string | null): string {
  return from === null ? text.versionLongAgo : formatMoment(from);
}
