/**
 * The addresses of ownCloud and Nextcloud (client-requirements R34), as they follow a prefix that says which drive is
 * meant. Paths are still percent-encoded, but for the user's name.
 */
export type CloudPlace =
  /** `/status.php`, `/ocs/…`, `/index.php/…`: no WebDAV. */
  | { readonly kind: 'status' | 'ocs' | 'index' }
  /**
   * A tree of WebDAV resources of one user; `user` null: the user who asks. `path` is '' or begins with a slash. `bulk` takes
   * many small files for the tree of files in one request.
   */
  | {
      readonly kind: 'files' | 'bulk' | 'uploads' | 'trash' | 'restore';
      readonly user: string | null;
      readonly base: string;
      readonly path: string;
    }
  /** Folders above the trees, to which programs walk up; `user` null: everybody's. */
  | { readonly kind: 'parent'; readonly user: string | null }
  | { readonly kind: 'nothing' };

const CLOUD = /^\/+(?:remote\.php\/+(?:webdav|dav)(?=\/|$)|ocs\/+v[12]\.php\/|index\.php\/|status\.php$)/;
const STATUS = /^\/+status\.php$/;
const WEBDAV = /^\/+remote\.php\/+webdav(?=\/|$)/;
const TREE = /^\/+remote\.php\/+dav\/+(files|uploads|trashbin)\/+([^/]+)(?=\/|$)/;
const PARENT = /^\/+remote\.php\/+dav(?:\/+(?:files|uploads|trashbin))?\/*$/;
const BULK = /^\/+remote\.php\/+dav\/+bulk\/*$/;
const BIN = /^\/+(trash|restore)(?=\/|$)/;

/** Whether a path below a prefix is one of ownCloud's or Nextcloud's. Only these; a drive may hold files of like names. */
export function isCloudPath(path: string): boolean {
  return CLOUD.test(path);
}

/** Finds the place of a path for which `isCloudPath` holds. `prefix` goes before the addresses that are given. */
export function findCloudPlace(prefix: string, path: string): CloudPlace {
  if (STATUS.test(path)) return { kind: 'status' };
  if (/^\/+ocs\//.test(path)) return { kind: 'ocs' };
  if (/^\/+index\.php\//.test(path)) return { kind: 'index' };
  const webdav = WEBDAV.exec(path);
  if (webdav) {
    return { kind: 'files', user: null, base: `${prefix}/remote.php/webdav`, path: path.slice(webdav[0].length) };
  }
  const tree = TREE.exec(path);
  if (tree) return findTree(prefix, path.slice(tree[0].length), tree[1]!, tree[2]!);
  if (BULK.test(path)) return { kind: 'bulk', user: null, base: `${prefix}/remote.php/webdav`, path: '' };
  return PARENT.test(path) ? { kind: 'parent', user: null } : { kind: 'nothing' };
}

function findTree(prefix: string, path: string, tree: string, encodedUser: string): CloudPlace {
  const user = decode(encodedUser);
  const base = `${prefix}/remote.php/dav/${tree}/${encodedUser}`;
  if (tree !== 'trashbin') return { kind: tree as 'files' | 'uploads', user, base, path };
  const bin = BIN.exec(path);
  if (!bin) return /^\/*$/.test(path) ? { kind: 'parent', user } : { kind: 'nothing' };
  const kind = bin[1] as 'trash' | 'restore';
  return { kind, user, base: `${base}/${kind}`, path: path.slice(bin[0].length) };
}

/** What doesn't decode is nobody's name. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '';
  }
}
