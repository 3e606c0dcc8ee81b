import type { LockRow } from '../../stores/metadata-store.js';
import { escapeText, withinAnswer } from '../xml/serialize-xml.js';

const kindOfLock = (scope: string) =>
  `<D:lockentry><D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`;

/** RFC 4918 §15.10: exclusive and shared write locks. */
export const SUPPORTED_LOCK = `<D:supportedlock>${kindOfLock('exclusive')}${kindOfLock('shared')}</D:supportedlock>`;

/** RFC 4918 §14.1. `root` is the encoded href of the lock's root. Never more time is left than the lock was given. */
export function renderActiveLock(lock: LockRow, root: string, now: number): string {
  const left = Math.ceil((lock.expiresAt - now) / 1000);
  const seconds = Math.max(0, Math.min(left, lock.timeoutSeconds));
  return (
    `<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:${lock.scope}/></D:lockscope>` +
    `<D:depth>${lock.isDeep ? 'infinity' : '0'}</D:depth>` +
    (lock.ownerXml === null ? '' : `<D:owner>${withinAnswer(lock.ownerXml)}</D:owner>`) +
    `<D:timeout>Second-${seconds}</D:timeout>` +
    `<D:locktoken><D:href>${escapeText(lock.token)}</D:href></D:locktoken>` +
    `<D:lockroot><D:href>${escapeText(root)}</D:href></D:lockroot></D:activelock>`
  );
}
