import type { FileEntry } from '../../contract/files.js';

export type FileKind = 'folder' | 'image' | 'pdf' | 'text' | 'audio' | 'video' | 'archive' | 'other';

const ENDINGS: Readonly<Record<string, FileKind>> = {
  md: 'text',
  txt: 'text',
  log: 'text',
  csv: 'text',
  json: 'text',
  yaml: 'text',
  yml: 'text',
  toml: 'text',
  ini: 'text',
  sh: 'text',
  ts: 'text',
  tsx: 'text',
  js: 'text',
  py: 'text',
  rs: 'text',
  go: 'text',
  c: 'text',
  h: 'text',
  sql: 'text',
  css: 'text',
  html: 'text',
  xml: 'text',
  zip: 'archive',
  gz: 'archive',
  tar: 'archive',
  '7z': 'archive',
  rar: 'archive',
};

/** What a file is to a person, by its type or else by its name. */
export function kindOf({
  name,
  isFolder,
  contentType,
}: Pick<FileEntry, 'name' | 'isFolder' | 'contentType'>): FileKind {
  if (isFolder) return 'folder';
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const [type = ''] = (contentType ?? '').split(';');
  if (type === 'application/pdf') return 'pdf';
  // A picture with scripts in it: the server sends it so that they don't run, also inside of <img>.
  const [family = ''] = type.split('/');
  // TypeScript's ending is MPEG's, too.
  if (ENDINGS[ending]) return ENDINGS[ending];
  if (family === 'image' || family === 'audio' || family === 'video' || family === 'text') return family;
  return 'other';
}
