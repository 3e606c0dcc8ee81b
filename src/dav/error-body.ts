import type { DavCondition, HttpError } from '../http-error.js';
import { escapeText } from './xml/serialize-xml.js';

/** The class names of sabre/dav, which Nextcloud's desktop client 3.7 and Joplin 3.5 compare and show as the error's code. */
const SABRE_EXCEPTIONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'NotAuthenticated',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  411: 'LengthRequired',
  412: 'PreconditionFailed',
  415: 'UnsupportedMediaType',
  416: 'RequestedRangeNotSatisfiable',
  423: 'Locked',
  501: 'NotImplemented',
  503: 'ServiceUnavailable',
  507: 'InsufficientStorage',
};

/**
 * The XML body of an error answer (RFC 4918 §14.5), with the sentence once in Firn's namespace and once in sabre/dav's,
 * where Nextcloud's clients and Joplin look for it.
 */
export function renderErrorBody(error: HttpError, requestId: string): string {
  const message = escapeText(error.message);
  const exception = `Sabre\\DAV\\Exception${SABRE_EXCEPTIONS[error.status] ? `\\${SABRE_EXCEPTIONS[error.status]}` : ''}`;
  return (
    '<?xml version="1.0" encoding="utf-8"?>\n' +
    '<D:error xmlns:D="DAV:" xmlns:F="urn:firn" xmlns:s="http://sabredav.org/ns">' +
    conditionElement(error.condition, error.hrefs) +
    `<s:exception>${exception}</s:exception><s:message>${message}</s:message>` +
    `<F:message>${message}</F:message><F:request-id>${escapeText(requestId)}</F:request-id></D:error>`
  );
}

/** The element of a condition with its hrefs, prefix `D:` being declared around it; empty text for no condition. */
export function conditionElement(condition: DavCondition | null, hrefs: readonly string[] = []): string {
  if (condition === null) return '';
  if (hrefs.length === 0) return `<D:${condition}/>`;
  const content = hrefs.map((href) => `<D:href>${escapeText(href)}</D:href>`).join('');
  return `<D:${condition}>${content}</D:${condition}>`;
}
