/** What is selected in a list, and where the keyboard is. Paths, so that rows may come and go. */
export interface Selection {
  readonly paths: ReadonlySet<string>;
  /** The row that the keyboard is on; -1 in an empty list. */
  readonly focus: number;
  /** Where a range that Shift makes begins. */
  readonly anchor: number;
}

export interface Rows {
  readonly count: number;
  /** Null where the row is not loaded. */
  pathAt(row: number): string | null;
}

export const NOTHING_SELECTED: Selection = { paths: new Set(), focus: 0, anchor: 0 };

export interface Held {
  readonly shift: boolean;
  /** Control, or Command on a Mac. */
  readonly control: boolean;
}

/** A click or a tap: alone it selects one row, with Control it adds or takes away, with Shift it selects up to there. */
export function clickRow(selection: Selection, rows: Rows, row: number, held: Held): Selection {
  if (held.shift) return selectRange(selection, rows, row, held.control);
  if (held.control) return toggleRow(selection, rows, row);
  return selectOnly(rows, row);
}

/** Adds a row, or takes it away. */
export function toggleRow(selection: Selection, rows: Rows, row: number): Selection {
  const path = rows.pathAt(row);
  if (path === null) return { ...selection, focus: row, anchor: row };
  const paths = new Set(selection.paths);
  if (!paths.delete(path)) paths.add(path);
  return { paths, focus: row, anchor: row };
}

function selectOnly(rows: Rows, row: number): Selection {
  const path = rows.pathAt(row);
  return { paths: new Set(path === null ? [] : [path]), focus: row, anchor: row };
}

/** Every row that is loaded. */
export function selectAll(selection: Selection, rows: Rows): Selection {
  return { ...selection, paths: new Set(pathsBetween(rows, 0, rows.count - 1)) };
}

/**
 * A key that moves: arrows, Home, End, PageUp, PageDown. Alone it selects the row it comes to, with Shift up to there,
 * with Control it only goes there. Null for any other key.
 */
export function moveByKey(
  selection: Selection,
  rows: Rows,
  key: string,
  held: Held,
  rowsPerPage: number,
): Selection | null {
  const to = rowAfterKey(selection.focus, key, rowsPerPage);
  if (to === null) return null;
  if (rows.count === 0) return selection;
  const row = Math.max(0, Math.min(to, rows.count - 1));
  if (held.shift) return selectRange(selection, rows, row, false);
  if (held.control) return { ...selection, focus: row, anchor: row };
  return selectOnly(rows, row);
}

/** After rows came or went: what is gone isn't selected any more, and the keyboard stays inside the list. */
export function keepThere(selection: Selection, rows: Rows, isThere: (path: string) => boolean): Selection {
  const paths = [...selection.paths].filter(isThere);
  const last = Math.max(0, rows.count - 1);
  const focus = Math.min(selection.focus, last);
  if (paths.length === selection.paths.size && focus === selection.focus) return selection;
  return { paths: new Set(paths), focus, anchor: Math.min(selection.anchor, last) };
}

function selectRange(selection: Selection, rows: Rows, row: number, isAdded: boolean): Selection {
  const { anchor } = selection;
  const paths = new Set(isAdded ? selection.paths : []);
  for (const path of pathsBetween(rows, Math.min(anchor, row), Math.max(anchor, row))) paths.add(path);
  return { paths, focus: row, anchor };
}

function pathsBetween(rows: Rows, first: number, last: number): string[] {
  const paths: string[] = [];
  for (let row = first; row <= last; row++) {
    const path = rows.pathAt(row);
    if (path !== null) paths.push(path);
  }
  return paths;
}

function rowAfterKey(focus: number, key: string, rowsPerPage: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return focus + 1;
    case 'ArrowUp':
      return focus - 1;
    case 'PageDown':
      return focus + rowsPerPage;
    case 'PageUp':
      return focus - rowsPerPage;
    case 'Home':
      return 0;
    case 'End':
      return Number.MAX_SAFE_INTEGER;
    default:
      return null;
  }
}
