import { HttpError } from '../../http-error.js';
import { type PropertyName, propertyNamesIn } from './property-name.js';
import { childElements, DAV_NAMESPACE, findChildren, textOf, type XmlElement } from './xml-element.js';

export const OWNCLOUD_NAMESPACE = 'http://owncloud.org/ns';

/**
 * Reads ownCloud's `filter-files` element: gives the properties that it asks for. Throws HttpError 400 for other rules than
 * that of favourites.
 */
export function readFilterFiles(report: XmlElement): PropertyName[] {
  const rules = findChildren(report, OWNCLOUD_NAMESPACE, 'filter-rules').flatMap(childElements);
  const isKnown = ({ namespace, name, ...rule }: XmlElement) =>
    namespace === OWNCLOUD_NAMESPACE &&
    name === 'favorite' &&
    /^(?:1|true)$/.test(textOf({ namespace, name, ...rule }).trim());
  if (rules.length === 0 || !rules.every(isKnown)) {
    throw new HttpError(400, 'Of the rules of filter-files there is only oc:favorite with 1 here.');
  }
  return propertyNamesIn(findChildren(report, DAV_NAMESPACE, 'prop'));
}
