/** Lines with aligned columns, the first line naming them. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, ...rows.map((row) => row.map(printable))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => [...line[column]!].length)));
  return lines
    .map((line) => line.map((cell, column) => cell + ' '.repeat(widths[column]! - [...cell].length)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Names of files and programs come from outside: they mustn't steer the terminal. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '\ufffd');
}
