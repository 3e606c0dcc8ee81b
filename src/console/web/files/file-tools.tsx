import { useRef } from 'preact/hooks';
import type { FileEntry } from '../../contract/files.js';
import { text as past } from '../past/texts.js';
import { Button, LinkButton } from '../ui/button.js';
import {
  CloseIcon,
  CopyIcon,
  DownloadIcon,
  FileIcon,
  FolderIcon,
  SearchIcon,
  TrashIcon,
  UploadIcon,
} from '../ui/icons.js';
import { type Choice, Menu } from '../ui/menu.js';
import { type Picked, pickedFrom } from './dropped-files.js';
import { downloadAddress } from './file-actions.js';
import { FolderAddIcon, MoveIcon, RenameIcon, VersionsIcon } from './file-icons.js';
import { text } from './texts.js';

interface FolderToolsProps {
  readonly mayAdd: boolean;
  readonly onPick: (picked: Picked) => unknown;
  readonly onNewFolder: () => void;
  /** To what the folder was at a moment. */
  readonly onPutBack: () => void;
}

/** What is done to the folder: upload, make a folder. */
export function FolderTools({ mayAdd, onPick, onNewFolder, onPutBack }: FolderToolsProps) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  if (!mayAdd) return null;
  const pick = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    onPick(pickedFrom(input.files ?? []));
    // The same file may be chosen again.
    input.value = '';
  };
  const choices: Choice[] = [
    { text: text.addFiles, icon: <FileIcon size={18} />, onChoose: () => files.current?.click() },
    { text: text.addFolder, icon: <FolderIcon size={18} />, onChoose: () => folder.current?.click() },
  ];
  return (
    <>
      <Button icon={<VersionsIcon />} onClick={onPutBack}>
        {past.putBack}
      </Button>
      <Button icon={<FolderAddIcon />} onClick={onNewFolder}>
        {text.newFolder}
      </Button>
      <Menu label={text.add} text={text.add} icon={<UploadIcon />} look="primary" choices={choices} />
      <input ref={files} type="file" multiple hidden onChange={pick} aria-label={text.addFiles} />
      <input
        ref={folder}
        type="file"
        hidden
        onChange={pick}
        aria-label={text.addFolder}
        {...{ webkitdirectory: true }}
      />
    </>
  );
}

interface SearchBoxProps {
  readonly value: string;
  readonly onInput: (text: string) => void;
}

export function SearchBox({ value, onInput }: SearchBoxProps) {
  return (
    <search class="files-search">
      <SearchIcon size={18} />
      <input
        class="input"
        type="search"
        value={value}
        placeholder={text.search}
        aria-label={text.search}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && onInput('')}
      />
      {value === '' ? null : (
        <Button look="quiet" slim label={text.clearSearch} icon={<CloseIcon size={16} />} onClick={() => onInput('')} />
      )}
    </search>
  );
}

interface SelectionToolsProps {
  readonly driveId: number;
  readonly files: readonly FileEntry[];
  /** What can't be done before something is said or shown. */
  readonly onAsk: (about: 'versions' | 'put-back' | 'rename' | 'move' | 'copy') => void;
  readonly onDelete: () => unknown;
  readonly onClear: () => void;
}

/** What is done to what is selected. */
export function SelectionTools(props: SelectionToolsProps) {
  const { driveId, files, onAsk, onDelete, onClear } = props;
  const mayChange = files.every((file) => file.mayChange);
  const [first] = files;
  const isZip = files.length > 1 || first?.isFolder;
  return (
    <SelectionBar count={files.length} onClear={onClear}>
      <LinkButton slim look="quiet" download href={downloadAddress(driveId, files)} icon={<DownloadIcon />}>
        <span class="tool-text">{isZip ? text.downloadZip : text.download}</span>
      </LinkButton>
      {isZip ? null : <Tool text={text.versions} icon={<VersionsIcon />} onClick={() => onAsk('versions')} />}
      {mayChange ? (
        <>
          {files.length === 1 ? (
            <Tool text={text.rename} icon={<RenameIcon />} onClick={() => onAsk('rename')} />
          ) : null}
          {files.length === 1 && first!.isFolder ? (
            <Tool text={past.putBack} icon={<VersionsIcon />} onClick={() => onAsk('put-back')} />
          ) : null}
          <Tool text={text.move} icon={<MoveIcon />} onClick={() => onAsk('move')} />
        </>
      ) : null}
      <Tool text={text.copy} icon={<CopyIcon />} onClick={() => onAsk('copy')} />
      {mayChange ? <Tool text={text.delete} icon={<TrashIcon />} onClick={onDelete} /> : null}
    </SelectionBar>
  );
}

interface SelectionBarProps {
  readonly count: number;
  readonly onClear: () => void;
  /** The tools, each a `Tool` or a link like one. */
  readonly children: preact.ComponentChildren;
}

/** Over a list, as long as something of it is selected. */
export function SelectionBar({ count, onClear, children }: SelectionBarProps) {
  return (
    <div class="selection-tools" role="toolbar" aria-label={text.selected(count)}>
      <Button look="quiet" slim label={text.clearSelection} icon={<CloseIcon />} onClick={onClear} />
      <strong class="number" role="status">
        {text.selected(count)}
      </strong>
      {children ? <span class="selection-actions">{children}</span> : null}
    </div>
  );
}

interface ToolProps {
  readonly text: string;
  readonly icon: preact.ComponentChildren;
  readonly onClick: () => unknown;
}

/** On a phone the icon alone is seen. */
export function Tool({ text, icon, onClick }: ToolProps) {
  return (
    <Button slim look="quiet" icon={icon} onClick={onClick}>
      <span class="tool-text">{text}</span>
    </Button>
  );
}
