import { checkMayChange } from '../../drive/rights.js';
import { HttpError } from '../../http-error.js';
import { readPermit } from '../conditions.js';
import { prefersMinimal } from '../headers/prefer.js';
import {
  type CheckedChange,
  checkChanges,
  isRefused,
  renderPropstats,
  toPropertyChanges,
} from '../properties/property-changes.js';
import { type DavRequest, type DavResponse, headerOf, hrefOf, respond } from '../request.js';
import { MULTISTATUS_CLOSE, MULTISTATUS_CONTENT_TYPE, MULTISTATUS_OPEN, responseAround } from '../xml/multistatus.js';
import { XML_BODY_BYTES_MAX } from '../xml/parse-xml.js';
import { parseProppatch } from '../xml/proppatch-request.js';

/** PROPPATCH, RFC 4918 §9.2: all of the changes or none. */
export async function proppatch(request: DavRequest): Promise<DavResponse> {
  checkMayChange(request.drive.membership);
  const body = await request.body.readAtMost(XML_BODY_BYTES_MAX);
  if (!body) throw new HttpError(400, 'A PROPPATCH needs a body that says what to change.');
  const wanted = parseProppatch(body, headerOf(request, 'content-type'));
  const permit = await readPermit(request);
  let checked: readonly CheckedChange[] = [];
  const resource = await request.drive.setProperties(
    request.path,
    (content) => {
      checked = checkChanges(wanted, content);
      return toPropertyChanges(isRefused(checked) ? [] : checked);
    },
    permit,
  );
  if (prefersMinimal(request.headers) && !isRefused(checked)) {
    return respond(204, { 'Preference-Applied': 'return=minimal' });
  }
  const href = hrefOf(request, resource.path, resource.isCollection);
  const text = MULTISTATUS_OPEN + responseAround(href, renderPropstats(checked)) + MULTISTATUS_CLOSE;
  return respond(207, { 'Content-Type': MULTISTATUS_CONTENT_TYPE }, text);
}
