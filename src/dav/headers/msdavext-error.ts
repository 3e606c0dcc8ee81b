import type { IncomingHttpHeaders } from 'node:http';

/**
 * Numbers that Windows' WebDAV client turns into errors of its own (MS-WDV, appendix A, note 17), by status. For any other
 * number it shows the sentence alone; then the status stands there, since the number is the server's to choose.
 */
const NUMBERS: Readonly<Record<number, number>> = {
  // ERROR_FILE_TOO_LARGE
  413: 0x0006000a,
  // ERROR_FILENAME_EXCED_RANGE
  414: 0x00090068,
  // ERROR_FILE_CHECKED_OUT
  423: 0x0009000e,
  // ERROR_DISK_QUOTA_EXCEEDED
  507: 0x00090063,
};

/** Windows' `DavGetExtendedError` gives programs a buffer of 1,024 characters. */
const SENTENCE_LENGTH_MAX = 1000;
/** Windows' redirector, its shell, and Office. */
const MICROSOFT = /microsoft|msoffice|davclnt/i;

/**
 * The value of `X-MSDAVEXT_ERROR` (MS-WDV §2.2.3), by which Windows and Office show a person why something was refused: a
 * number and the sentence, percent-encoded. Null for other clients, which get the sentence in the body.
 */
export function msdavextError(headers: IncomingHttpHeaders, status: number, sentence: string): string | null {
  if (!isMicrosoft(headers)) return null;
  // By way of bytes, because half a surrogate pair can't be encoded.
  const text = Buffer.from(sentence.slice(0, SENTENCE_LENGTH_MAX)).toString();
  return `${NUMBERS[status] ?? status}; ${encodeURIComponent(text)}`;
}

/** Windows' redirector says `Translate: f` in each request (MS-WDV, note 16), and no other client does. */
function isMicrosoft(headers: IncomingHttpHeaders): boolean {
  return (
    MICROSOFT.test(headers['user-agent'] ?? '') ||
    headers.translate !== undefined ||
    headers['x-msdavext'] !== undefined ||
    headers['x-office-major-version'] !== undefined
  );
}
