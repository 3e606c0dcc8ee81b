/**
 * The addresses of ownCloud and Nextcloud (client-requirements R34), as they follow a prefix that says which drive is
 * meant. Paths are still percent-encoded, but for the user's name.
 */
export type CloudPlace =
  /** `/status.php`, `/ocs/…`, `/index.php/…`: no WebDAV. */
  | { readonly kind: 'status' | 'ocs' | 'index' }
  /**
   * A tree of WebDAV resources of one user; `user` null: the user who asks. `path` is '' or begins with a slash. `bulk` takes
   * many small files for the tree of files in one request. `versions` are Nextcloud's, `meta` has ownCloud's.
   */
  | {
      readonly kind: 'files' | 'bulk' | 'uploads' | 'trash' | 'restore' | 'versions' | 'version-restore' | 'meta';
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
const TREE = /^\/+remote\.php\/+dav\/+(files|uploads|trashbin|versions)\/+([^/]+)(?=\/|$)/;
const PARENT = /^\/+remote\.php\/+dav(?:\/+(?:files|uploads|trashbin|versions|meta))?\/*$/;
const BULK = /^\/+remote\.php\/+dav\/+bulk\/*$/;
const META = /^\/+remote\.php\/+dav\/+meta(?=\/+[^/])/;
/** What is below a user's name in the trees that have a place to restore to. */
const BINS: Readonly<Record<string, Readonly<Record<string, 'trash' | 'restore' | 'versions' | 'version-restore'>>>> = {
  trashbin: { trash: 'trash', restore: 'restore' },
  versions: { versions: 'versions', restore: 'version-restore' },
};

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
  const meta = META.exec(path);
  if (meta)
    return { kind: 'meta', user: null, base: `${prefix}/remote.php/dav/meta`, path: path.slice(meta[0].length) };
  if (BULK.test(path)) return { kind: 'bulk', user: null, base: `${prefix}/remote.php/webdav`, path: '' };
  return PARENT.test(path) ? { kind: 'parent', user: null } : { kind: 'nothing' };
}

function findTree(prefix: string, path: string, tree: string, encodedUser: string): CloudPlace {
  const user = decode(encodedUser);
  const base = `${prefix}/remote.php/dav/${tree}/${encodedUser}`;
  const bins = BINS[tree];
  if (!bins) return { kind: tree as 'files' | 'uploads', user, base, path };
  const [all, bin = ''] = /^\/+([^/]*)/.exec(path) ?? [''];
  if (bin === '') return { kind: 'parent', user };
  const kind = Object.hasOwn(bins, bin) ? bins[bin] : undefined;
  return kind ? { kind, user, base: `${base}/${bin}`, path: path.slice(all.length) } : { kind: 'nothing' };
}

/** What doesn't decode is nobody's name. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '';
  }
}
