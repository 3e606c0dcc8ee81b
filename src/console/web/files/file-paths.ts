/** Paths of a drive as the API has them: `/Firn/photos/sea.jpg`. */

export function joinPath(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

export interface Crumb {
  readonly path: string;
  readonly name: string;
}

/** From the drive's folder down to `path`, both included. */
export function crumbsOf(path: string): readonly Crumb[] {
  const names = path.split('/').filter((name) => name !== '');
  return names.map((name, at) => ({ name, path: `/${names.slice(0, at + 1).join('/')}` }));
}

/** What can't be a name, as the server sees it (PRODUCT D6); null: it can. */
export function nameProblem(name: string): 'empty' | 'slash' | 'dots' | 'long' | null {
  if (name.trim() === '') return 'empty';
  if (/[/\0]/.test(name)) return 'slash';
  if (name === '.' || name === '..') return 'dots';
  return new TextEncoder().encode(name.normalize('NFC')).length > 255 ? 'long' : null;
}

/** How much of a name is marked for a rename: not its ending. */
export function stemLength(name: string, isFolder: boolean): number {
  const dot = name.lastIndexOf('.');
  return isFolder || dot <= 0 ? name.length : dot;
}
