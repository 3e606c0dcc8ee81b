// biome-ignore-all lint/a11y/useSemanticElements: a table with a hundred thousand rows is no table
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus, and says which row it is on
import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { FileEntry } from '../../contract/files.js';
import type { Listing } from './listing.js';
import { clickRow, moveByKey, type Rows, type Selection, selectAll, toggleRow } from './selection.js';
import { text } from './texts.js';
import { rowsInView, rowsPerPage, scrollTopShowing } from './window-maths.js';
import './files.css';

const ROW_HEIGHT = 48;
const SPARE_ROWS = 8;

export interface GridColumn {
  readonly name: string;
  readonly title: string;
  readonly cell: (file: FileEntry) => ComponentChildren;
}

interface FileGridProps {
  readonly label: string;
  readonly listing: Listing;
  readonly columns: readonly GridColumn[];
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  readonly onOpen: (file: FileEntry) => void;
  /** Keys that aren't for moving and selecting. Whether it was one of the page's. */
  readonly onKey: (event: KeyboardEvent) => boolean;
}

/** A list of any length: only the rows in sight are there, and their pages are fetched as they come into it. */
export function FileGrid(props: FileGridProps) {
  const { label, listing, columns, selection } = props;
  const id = useId();
  const frame = useRef<HTMLDivElement>(null);
  const { view, measure } = useView(frame);
  const list = { ...view, rowHeight: ROW_HEIGHT, count: listing.count };
  const { first, end, offset } = rowsInView(list, SPARE_ROWS);
  useEffect(() => void listing.want(end + SPARE_ROWS), [listing, end, listing.members.length]);
  const rows: Rows = { count: listing.count, pathAt: (row) => listing.members[row]?.path ?? null };
  const show = (row: number) => {
    frame.current!.scrollTop = scrollTopShowing(row, { ...list, scrollTop: frame.current!.scrollTop });
  };
  const press = (event: KeyboardEvent) => {
    if (event.target !== frame.current) return;
    if (!pressOn(event, { ...props, rows, list, show })) return;
    event.preventDefault();
  };
  const isAll = listing.isComplete && selection.paths.size > 0 && selection.paths.size === listing.members.length;
  return (
    <div class="grid-frame">
      <Head columns={columns} isAll={isAll} onAll={() => void toggleAll(isAll, props, rows)} />
      <div
        ref={frame}
        class="grid-scroll"
        role="grid"
        tabIndex={0}
        aria-label={label}
        aria-multiselectable="true"
        aria-rowcount={listing.isComplete ? listing.count : -1}
        aria-activedescendant={rows.pathAt(selection.focus) === null ? undefined : `${id}-${selection.focus}`}
        onScroll={measure}
        onKeyDown={press}
      >
        <div class="grid-all" role="rowgroup" style={{ height: `${listing.count * ROW_HEIGHT}px` }}>
          <div class="grid-seen" role="presentation" style={{ transform: `translateY(${offset}px)` }}>
            {Array.from({ length: end - first }, (_, at) => (
              <Row key={first + at} {...props} id={`${id}-${first + at}`} row={first + at} rows={rows} />
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

/** What of the list is in sight: where it is scrolled to, and how high it is. */
function useView(frame: RefObject<HTMLDivElement | null>) {
  const [view, setView] = useState({ scrollTop: 0, viewHeight: 600 });
  const measure = () => {
    const { scrollTop, clientHeight } = frame.current!;
    setView((before) =>
      before.scrollTop === scrollTop && before.viewHeight === clientHeight
        ? before
        : { scrollTop, viewHeight: clientHeight },
    );
  };
  useLayoutEffect(() => {
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  return { view, measure };
}

interface HeadProps {
  readonly columns: readonly GridColumn[];
  readonly isAll: boolean;
  readonly onAll: () => void;
}

function Head({ columns, isAll, onAll }: HeadProps) {
  return (
    <div class="grid-head" aria-hidden="true">
      <span class="grid-check">
        <input type="checkbox" tabIndex={-1} checked={isAll} onChange={onAll} title={text.selectAll} />
      </span>
      {columns.map((column) => (
        <span key={column.name} class={`cell ${column.name}`}>
          {column.title}
        </span>
      ))}
    </div>
  );
}

async function toggleAll(isAll: boolean, { listing, selection, onSelect }: FileGridProps, rows: Rows): Promise<void> {
  if (isAll) return onSelect({ ...selection, paths: new Set() });
  await listing.wantAll();
  onSelect(selectAll(selection, { ...rows, count: listing.members.length }));
}

interface Pressed extends FileGridProps {
  readonly rows: Rows;
  readonly list: Parameters<typeof scrollTopShowing>[1];
  readonly show: (row: number) => void;
}

/** Whether the key was for the list. */
function pressOn(event: KeyboardEvent, pressed: Pressed): boolean {
  const { selection, rows, list, listing, onSelect, onOpen, onKey, show } = pressed;
  const held = { shift: event.shiftKey, control: event.ctrlKey || event.metaKey };
  if (held.control && event.key.toLowerCase() === 'a') {
    void toggleAll(false, pressed, rows);
    return true;
  }
  if (event.key === ' ') {
    onSelect(toggleRow(selection, rows, selection.focus));
    return true;
  }
  if (event.key === 'Escape' && selection.paths.size > 0) {
    onSelect({ ...selection, paths: new Set() });
    return true;
  }
  if (event.key === 'Enter') {
    const file = listing.members[selection.focus];
    if (file) onOpen(file);
    return true;
  }
  // The first key comes to the first row, not to the second.
  const from = selection.paths.size === 0 && selection.focus === 0 && event.key === 'ArrowDown' && !held.control;
  const moved = moveByKey(from ? { ...selection, focus: -1 } : selection, rows, event.key, held, rowsPerPage(list));
  if (!moved) return onKey(event);
  onSelect(moved);
  show(moved.focus);
  return true;
}

interface RowProps extends FileGridProps {
  readonly id: string;
  readonly row: number;
  readonly rows: Rows;
}

function Row({ id, row, rows, listing, columns, selection, onSelect, onOpen }: RowProps) {
  const file = listing.members[row];
  if (!file) return <Coming row={row} count={columns.length} />;
  const isSelected = selection.paths.has(file.path);
  const click = (event: MouseEvent) => {
    const held = { shift: event.shiftKey, control: event.ctrlKey || event.metaKey };
    // A finger has no second click and no keys: it opens, and the box selects.
    const isTap = matchMedia('(hover: none)').matches && !held.shift && !held.control;
    if (isTap && selection.paths.size === 0) onOpen(file);
    else onSelect(isTap ? toggleRow(selection, rows, row) : clickRow(selection, rows, row, held));
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid around it takes the keys
    <div
      id={id}
      role="row"
      aria-rowindex={row + 1}
      aria-selected={isSelected}
      class={`grid-row${selection.focus === row ? ' here' : ''}`}
      onClick={click}
      onDblClick={() => onOpen(file)}
    >
      <span role="gridcell" class="grid-check">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={text.select(file.name)}
          checked={isSelected}
          onClick={(event) => event.stopPropagation()}
          onChange={() => onSelect(toggleRow(selection, rows, row))}
        />
      </span>
      {columns.map((column) => (
        <span key={column.name} role="gridcell" class={`cell ${column.name}`}>
          {column.cell(file)}
        </span>
      ))}
    </div>
  );
}

/** In place of a row that is still to come. */
function Coming({ row, count }: { readonly row: number; readonly count: number }) {
  return (
    <div class="grid-row coming" role="row" aria-rowindex={row + 1}>
      <span role="gridcell" class="grid-coming" aria-colspan={count}>
        <span class="skeleton" style={{ width: `${28 + ((row * 37) % 40)}%` }} />
      </span>
    </div>
  );
}
