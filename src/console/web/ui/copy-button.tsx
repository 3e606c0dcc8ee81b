import { useEffect, useState } from 'preact/hooks';
import { common } from '../strings.js';
import { Button } from './button.js';
import { CheckIcon, CopyIcon } from './icons.js';
import { toast } from './toasts.js';

/** Copies a text; `what` names it for who can't see it. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    if (await copyText(text)) setCopied(true);
    else toast({ text: common.notCopied, isBad: true });
  };
  const icon = isCopied ? <CheckIcon size={18} /> : <CopyIcon size={18} />;
  return (
    <>
      <Button look="quiet" slim label={common.copy(what)} icon={icon} onClick={copy} />
      <span class="visually-hidden" role="status">
        {isCopied ? common.copied : ''}
      </span>
    </>
  );
}

interface SecretProps {
  readonly text: string;
  readonly what: string;
  readonly isBlock?: boolean;
}

/** A text to be taken elsewhere, with a button that copies it. */
export function Copyable({ text, what, isBlock = false }: SecretProps) {
  return (
    <div class={isBlock ? 'secret block' : 'secret'}>
      <code>{text}</code>
      <CopyButton text={text} what={what} />
    </div>
  );
}

/** Without TLS browsers have no clipboard for pages, but still the old way. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'visually-hidden';
    const dialog = document.activeElement?.closest('[role=dialog]') ?? document.body;
    dialog.append(area);
    area.select();
    const isDone = document.execCommand('copy');
    area.remove();
    return isDone;
  }
}
