import { icon } from '../ui/icons.js';
import type { FileKind } from './file-kinds.js';

const SHEET = 'M5 2.5h6.5l4 4v11H5zM11.5 2.5v4h4';

export const PauseIcon = icon(<path d="M7 4.5v11M13 4.5v11" />);
export const PlayIcon = icon(<path d="M6.5 4v12l9-6z" />);
export const RenameIcon = icon(<path d="M3.5 16.5h3l9-9-3-3-9 9zM11 6l3 3" />);
export const MoveIcon = icon(
  <path d="M2.5 5.500v10h15v-8.500H9.500L7.500 4.500h-5zM7 11.500h6m-2.200-2.200 2.200 2.200-2.200 2.200" />,
);
export const RestoreIcon = icon(<path d="M4 4v4h4M4.300 8A6.500 6.500 0 1 1 3.500 11.500" />);
export const VersionsIcon = icon(<path d="M3.500 3.500v4h4M3.800 7.500A7 7 0 1 1 3 10.500M10 6v4.300l3 1.700" />);
export const FolderAddIcon = icon(
  <path d="M2.5 5.5v10h15v-8.500H9.500L7.500 4.500h-5zM10 9v4.500M7.750 11.250h4.500" />,
);

const ICONS: Readonly<Record<FileKind, ReturnType<typeof icon>>> = {
  folder: icon(<path d="M2.5 5.5v10h15v-8.5H9.5L7.5 4.5h-5z" fill="currentColor" fill-opacity="0.16" />),
  image: icon(<path d="M3 4h14v12H3zm0 9.500 4-4 3.500 3.500 2-2 4.500 4M12.750 7.500h.01" />),
  pdf: icon(
    <path d={`${SHEET}M7.500 14.500c2-1.500 2.500-4 2.500-5.500 0 2.500 1.500 4 3 4.200-2 0-4 .4-5.500 1.300`} />,
  ),
  text: icon(<path d={`${SHEET}M7.500 10h5.500M7.500 13.500h5.500`} />),
  audio: icon(
    <path d="M7.500 14.500V5l8-1.500V13M7.500 14.500a2 2 0 1 1-4 0 2 2 0 0 1 4 0Zm8-1.500a2 2 0 1 1-4 0 2 2 0 0 1 4 0Z" />,
  ),
  video: icon(<path d="M2.500 5h10.500v10H2.500zm10.500 4 4.500-2.500v7L13 11" />),
  archive: icon(<path d={`${SHEET}M9 5.500h.01M9 8.500h.01M9 11.500v2.500`} />),
  other: icon(<path d={SHEET} />),
};

export function KindIcon({ kind, size = 20 }: { readonly kind: FileKind; readonly size?: number }) {
  const Icon = ICONS[kind];
  return (
    <span class={`kind ${kind}`}>
      <Icon size={size} />
    </span>
  );
}
