/** XML as several clients send it. */

export const XML_TYPE = 'text/xml; charset="utf-8"';

const DECLARATION = '<?xml version="1.0" encoding="utf-8" ?>';

/** A PROPFIND for properties of `DAV:`. */
export function propfind(...names: readonly string[]): string {
  const empty = names.map((name) => `<D:${name}/>`).join('');
  return `${DECLARATION}<D:propfind xmlns:D="DAV:"><D:prop>${empty}</D:prop></D:propfind>`;
}

export const ALLPROP = `${DECLARATION}<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>`;

export const QUOTA = propfind('quota-available-bytes', 'quota-used-bytes');

/** A LOCK for writing. `owner` is XML. */
export function lockinfo(owner: string): string {
  return (
    `${DECLARATION}<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>` +
    `<D:locktype><D:write/></D:locktype><D:owner>${owner}</D:owner></D:lockinfo>`
  );
}

/** A PROPPATCH that sets properties of one namespace, under the prefix `Z`. */
export function proppatch(namespace: string, values: Readonly<Record<string, string>>): string {
  const set = Object.entries(values).map(([name, value]) => `<Z:${name}>${value}</Z:${name}>`);
  return (
    `${DECLARATION}<D:propertyupdate xmlns:D="DAV:" xmlns:Z="${namespace}">` +
    `<D:set><D:prop>${set.join('')}</D:prop></D:set></D:propertyupdate>`
  );
}

/** A PROPPATCH of what Windows' redirector sets. */
export function win32(values: Readonly<Record<string, string>>): string {
  return proppatch('urn:schemas-microsoft-com:', values);
}

export const WIN32 = '{urn:schemas-microsoft-com:}';
