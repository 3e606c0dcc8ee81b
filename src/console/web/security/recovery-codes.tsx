import { currentUser } from '../session.js';
import { Button } from '../ui/button.js';
import { CopyButton } from '../ui/copy-button.js';
import { DownloadIcon } from '../ui/icons.js';
import { text } from './texts.js';

/** Shown once: to be copied or kept as a file before going on. */
export function RecoveryCodes({ codes, onKept }: { readonly codes: readonly string[]; readonly onKept: () => void }) {
  const lines = `${codes.join('\n')}\n`;
  return (
    <div class="stack">
      <p>{text.recoveryText}</p>
      <ul class="recovery" aria-label={text.recoveryCodes}>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div class="row spread">
        <span class="row">
          <Button icon={<DownloadIcon size={18} />} onClick={() => download(lines)}>
            {text.download}
          </Button>
          <CopyButton text={lines} what={text.theCodes} />
        </span>
        <Button look="primary" onClick={onKept}>
          {text.recoveryKept}
        </Button>
      </div>
    </div>
  );
}

function download(text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.download = `firn-recovery-codes-${currentUser().email}.txt`;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
