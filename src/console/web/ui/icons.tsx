import type { ComponentChildren } from 'preact';

/** Drawn for a square of 20; decoration: what they mean stands beside them or in a label. */
export function icon(drawing: ComponentChildren) {
  return ({ size = 20 }: { readonly size?: number }) => (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {drawing}
    </svg>
  );
}

export const AlertIcon = icon(
  <path d="M10 6.5v4.2M10 13.6v.1M8.7 3.2 2.4 14.4A1.5 1.5 0 0 0 3.7 16.7h12.6a1.5 1.5 0 0 0 1.3-2.3L11.3 3.2a1.5 1.5 0 0 0-2.6 0Z" />,
);
export const ArrowLeftIcon = icon(<path d="M16 10H4m5-5-5 5 5 5" />);
export const ArrowRightIcon = icon(<path d="M4 10h12m-5-5 5 5-5 5" />);
export const ChartIcon = icon(<path d="M3 16.5h14M4.5 13l3.5-4 3 2.5 4.5-6" />);
export const CheckIcon = icon(<path d="m4 10.5 4 4 8-9" />);
export const ChevronDownIcon = icon(<path d="m5 7.5 5 5 5-5" />);
export const ChevronRightIcon = icon(<path d="m7.5 5 5 5-5 5" />);
export const CloseIcon = icon(<path d="m5 5 10 10M15 5 5 15" />);
export const CopyIcon = icon(<path d="M7.5 7.5h8v8h-8zM12.5 7.5v-3h-8v8h3" />);
export const DevicesIcon = icon(<path d="M2.5 4.5h11v7h-11zM5 15h4M13 9h4.5v8H13z" />);
export const DotsIcon = icon(<path d="M4.5 10h.01M10 10h.01M15.5 10h.01" stroke-width="2.6" />);
export const DownloadIcon = icon(<path d="M10 3v9.5m-4-4 4 4 4-4M3.5 16.5h13" />);
export const DriveIcon = icon(<path d="M3 11h14v5H3zM3 11l2.5-7h9L17 11M13.5 13.5h.01" />);
export const EyeIcon = icon(
  <path d="M2 10s3-5.5 8-5.5 8 5.5 8 5.5-3 5.5-8 5.5S2 10 2 10Zm8 2.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6Z" />,
);
export const FileIcon = icon(<path d="M5 2.5h6.5L15.5 6.5v11H5zM11.5 2.5v4h4" />);
export const FilesIcon = icon(<path d="M2.5 5.5v10h15v-8.5H9.5L7.5 4.5h-5z" />);
export const FolderIcon = FilesIcon;
export const GlobeIcon = icon(
  <path d="M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM2.5 10h15M10 2.5c2 2 3 4.5 3 7.5s-1 5.5-3 7.5c-2-2-3-4.5-3-7.5s1-5.5 3-7.5Z" />,
);
export const ImportIcon = icon(<path d="M10 3v8m-3-3 3 3 3-3M3 11v5.5h14V11" />);
export const InfoIcon = icon(<path d="M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM10 9.3V14M10 6.4v.1" />);
export const KeyIcon = icon(
  <path d="M12.5 11a4 4 0 1 0-3.7-2.5L3 14.3V17h3v-2h2v-2h1.3l1.2-1.3a4 4 0 0 0 2-.7ZM13.3 6.7h.01" />,
);
export const ListIcon = icon(<path d="M7 5h10M7 10h10M7 15h10M3.5 5h.01M3.5 10h.01M3.5 15h.01" />);
export const LockIcon = icon(<path d="M4.5 9h11v8h-11zM7 9V6a3 3 0 0 1 6 0v3" />);
export const MenuIcon = icon(<path d="M3 5.5h14M3 10h14M3 14.5h14" />);
export const PlusIcon = icon(<path d="M10 4v12M4 10h12" />);
export const RefreshIcon = icon(
  <path d="M16.5 8A6.8 6.8 0 0 0 4 7M3.5 3.5V7H7M3.5 12A6.8 6.8 0 0 0 16 13m.5 3.5V13H13" />,
);
export const SearchIcon = icon(<path d="M9 15a6 6 0 1 0 0-12 6 6 0 0 0 0 12ZM13.5 13.5 17 17" />);
export const ShieldIcon = icon(
  <path d="M10 2.5 16.5 5v5c0 3.7-2.6 6.3-6.5 7.5C6.1 16.3 3.5 13.7 3.5 10V5zM7.3 10l2 2 3.5-4" />,
);
export const SignOutIcon = icon(<path d="M8 3H3.5v14H8M12.5 6l4 4-4 4M16.5 10H8" />);
export const TrashIcon = icon(<path d="M3.5 5.5h13M8 5V3h4v2M5 5.5l.8 11.5h8.4L15 5.5M8.5 9v4.5M11.5 9v4.5" />);
export const UploadIcon = icon(<path d="M10 13V3.5m-4 4 4-4 4 4M3.5 16.5h13" />);
export const UserIcon = icon(
  <path d="M10 10a3.3 3.3 0 1 0 0-6.6A3.3 3.3 0 0 0 10 10ZM3.5 17c.5-3 3-4.8 6.5-4.8s6 1.8 6.5 4.8" />,
);
export const UsersIcon = icon(
  <path d="M7.5 9.5a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM2 16.5c.4-2.8 2.5-4.5 5.5-4.5s5.1 1.7 5.5 4.5M13 4.2a2.7 2.7 0 0 1 0 5.2M15 12.3c1.7.7 2.7 2.1 3 4.2" />,
);

/** The mark of Firn. */
export function Mark({ size = 32 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="#184a45" />
      <path d="M5 24 13 9l4.2 7.6L20 12l7 12z" fill="#eef7f4" />
      <path d="m13 9 3.1 5.6-2 1.6-1.9-1.4-2.3 1z" fill="#5cc9b4" />
      <path d="M7 27h18" stroke="#5cc9b4" stroke-width="1.6" stroke-linecap="round" />
    </svg>
  );
}
