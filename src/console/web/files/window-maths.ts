/**
 * Of a list with rows of one height, the part that is to be drawn. Browsers draw elements up to some 17 million pixels
 * high (Firefox): at 48 pixels a row, 350,000 rows.
 */

export interface ListView {
  readonly scrollTop: number;
  readonly viewHeight: number;
  readonly rowHeight: number;
  readonly count: number;
}

/** Rows `first` (included) to `end` (not included), and how far down the first one lies. */
export interface RowRange {
  readonly first: number;
  readonly end: number;
  readonly offset: number;
}

/** `spare`: rows drawn above and below what is seen, so that a fast scroll shows no gap. */
export function rowsInView({ scrollTop, viewHeight, rowHeight, count }: ListView, spare: number): RowRange {
  const top = Math.max(0, Math.min(scrollTop, count * rowHeight - viewHeight));
  const first = Math.max(0, Math.floor(top / rowHeight) - spare);
  const end = Math.min(count, Math.ceil((top + viewHeight) / rowHeight) + spare);
  return { first, end: Math.max(first, end), offset: first * rowHeight };
}

/** Where to scroll so that a row is seen whole; as it is, where that is so already. */
export function scrollTopShowing(row: number, { scrollTop, viewHeight, rowHeight }: ListView): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + viewHeight) return Math.max(0, top + rowHeight - viewHeight);
  return scrollTop;
}

/** How many rows PageUp and PageDown go: one less than are seen, so that one stays in sight. */
export function rowsPerPage({ viewHeight, rowHeight }: Pick<ListView, 'viewHeight' | 'rowHeight'>): number {
  return Math.max(1, Math.floor(viewHeight / rowHeight) - 1);
}
