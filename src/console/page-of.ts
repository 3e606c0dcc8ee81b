/** One page of a list: its rows, and the last of them where there is another page. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** What the next page comes after; null: this was the last. */
  readonly last: Row | null;
}

/** Reads a page of up to `size` rows. One row more than that tells whether there is another page. */
export async function pageOf<Row>(size: number, read: (limit: number) => Promise<readonly Row[]>): Promise<Page<Row>> {
  const found = await read(size + 1);
  const rows = found.slice(0, size);
  return { rows, last: found.length > size ? rows.at(-1)! : null };
}
