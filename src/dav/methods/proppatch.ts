import { checkOrdinary } from '../../drive/drive-transaction.js';
import { checkLocks } from '../../drive/locks/locks.js';
import { checkMayChange } from '../../drive/rights.js';
import { HttpError } from '../../http-error.js';
import { checkConditions, readConditions } from '../conditions.js';
import { prefersMinimal } from '../headers/prefer.js';
import {
  applyChanges,
  checkChanges,
  isRefused,
  needsContent,
  renderPropstats,
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
  const conditions = await readConditions(request);
  const { resource, checked } = await request.drive.write(async (changes) => {
    const found = await changes.find(request.path, { withContent: needsContent(wanted) });
    if (!found.resource) throw new HttpError(404, 'There is nothing of that name.');
    checkMayChange(changes.membership);
    await checkConditions(request, conditions, changes, found);
    await checkLocks(changes, found, { tokens: conditions.tokens, changesSelf: true });
    const node = checkOrdinary(found.resource, 'changed');
    const checked = checkChanges(wanted, found.content);
    if (!isRefused(checked)) await applyChanges(changes, found, node, checked);
    return { resource: found.resource, checked };
  });
  if (prefersMinimal(request.headers) && !isRefused(checked)) {
    return respond(204, { 'Preference-Applied': 'return=minimal' });
  }
  const href = hrefOf(request, resource.path, resource.isCollection);
  const text = MULTISTATUS_OPEN + responseAround(href, renderPropstats(checked)) + MULTISTATUS_CLOSE;
  return respond(207, { 'Content-Type': MULTISTATUS_CONTENT_TYPE }, text);
}
