import { useEffect, useState } from 'preact/hooks';
import type { FileEntry } from '../../contract/files.js';
import { toApiError } from '../api.js';
import { formatBytes, formatTime } from '../format.js';
import { Button, LinkButton } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { LoadFailed, Skeleton } from '../ui/feedback.js';
import { ArrowLeftIcon, ArrowRightIcon, DownloadIcon } from '../ui/icons.js';
import { contentAddress } from './file-api.js';
import { KindIcon, VersionsIcon } from './file-icons.js';
import { kindOf } from './file-kinds.js';
import { text } from './texts.js';

const TEXT_BYTES_MAX = 256 * 1024;

interface PreviewProps {
  readonly driveId: number;
  readonly file: FileEntry;
  /** To the file before or after it; null where there is none. */
  readonly onPrevious: (() => void) | null;
  readonly onNext: (() => void) | null;
  readonly onVersions: () => void;
  readonly onClose: () => void;
}

/** Shows a file as far as a browser can. What the server sends never runs with the console's rights. */
export function Preview({ driveId, file, onPrevious, onNext, onVersions, onClose }: PreviewProps) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      // In a video the arrows are the video's.
      if (event.target instanceof HTMLMediaElement) return;
      if (event.key === 'ArrowLeft') onPrevious?.();
      if (event.key === 'ArrowRight') onNext?.();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [onPrevious, onNext]);
  return (
    <Dialog title={file.name} large onClose={onClose}>
      <div class="preview" key={file.path}>
        <Shown driveId={driveId} file={file} />
      </div>
      <div class="preview-foot">
        <p class="soft small number">{`${formatBytes(file.size)} · ${formatTime(file.modifiedAt)}`}</p>
        <div class="row">
          <Button
            label={text.previous}
            icon={<ArrowLeftIcon />}
            disabled={!onPrevious}
            onClick={() => onPrevious?.()}
          />
          <Button label={text.next} icon={<ArrowRightIcon />} disabled={!onNext} onClick={() => onNext?.()} />
          <Button icon={<VersionsIcon />} onClick={onVersions}>
            <span class="tool-text">{text.versions}</span>
          </Button>
          <LinkButton
            look="primary"
            href={contentAddress(driveId, file.path, true)}
            download={file.name}
            icon={<DownloadIcon />}
          >
            {text.download}
          </LinkButton>
        </div>
      </div>
    </Dialog>
  );
}

function Shown({ driveId, file }: Pick<PreviewProps, 'driveId' | 'file'>) {
  const [isBroken, setBroken] = useState(false);
  const address = contentAddress(driveId, file.path);
  const kind = kindOf(file);
  if (isBroken) return <Plain file={file} text={text.notShown} />;
  const onError = () => setBroken(true);
  switch (kind) {
    case 'image':
      return <img src={address} alt={file.name} onError={onError} />;
    case 'pdf':
      return <iframe src={address} title={file.name} />;
    case 'text':
      return <TextShown driveId={driveId} file={file} />;
    case 'audio':
      // biome-ignore lint/a11y/useMediaCaption: people's own recordings come without
      return <audio controls src={address} onError={onError} aria-label={file.name} />;
    case 'video':
      // biome-ignore lint/a11y/useMediaCaption: people's own recordings come without
      return <video controls src={address} onError={onError} aria-label={file.name} />;
    default:
      return <Plain file={file} text={text.noPreview} />;
  }
}

function TextShown({ driveId, file }: Pick<PreviewProps, 'driveId' | 'file'>) {
  const [content, setContent] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = async () => {
    setError(null);
    try {
      setContent(await fetchText(contentAddress(driveId, file.path), file.size));
    } catch (reason) {
      setError(reason);
    }
  };
  useEffect(() => void load(), [file.path]);
  if (error) return <LoadFailed error={error} onRetry={load} />;
  if (content === null) return <Skeleton lines={8} />;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long texts are scrolled by keyboard */}
      <pre tabIndex={0}>{content}</pre>
      {file.size > TEXT_BYTES_MAX ? <p class="soft small">{text.textCut(formatBytes(TEXT_BYTES_MAX))}</p> : null}
    </>
  );
}

async function fetchText(address: string, size: number): Promise<string> {
  // An empty file has no first byte to ask for.
  const headers: Record<string, string> = size > 0 ? { Range: `bytes=0-${TEXT_BYTES_MAX - 1}` } : {};
  const answer = await fetch(address, { headers });
  if (!answer.ok) throw await toApiError(answer);
  return answer.text();
}

function Plain({ file, text }: { readonly file: FileEntry; readonly text: string }) {
  return (
    <div class="preview-none">
      <KindIcon kind={kindOf(file)} size={56} />
      <p class="soft">{text}</p>
    </div>
  );
}
