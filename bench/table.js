// The one table: rows of work, a column for the aim and one for each server.

/**
 * @typedef {object} Cell
 * @property {'value' | 'failed' | 'impossible'} kind  impossible: the server can't do this work at all
 * @property {number} [value]
 * @property {string} [reason]
 * @property {number} [foreignShare] share of the server's or of the load's core that others took meanwhile
 */

const FOREIGN_SHARE_MAX = 0.15;

/** @param {number} value */
export function formatNumber(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** @param {import('./rows.js').Row['aim']} aim */
function formatAim(aim) {
  if (aim === undefined) return '';
  return 'most' in aim ? `≤ ${aim.most.toLocaleString('en')}` : `≥ ${aim.least.toLocaleString('en')}`;
}

/** @param {NonNullable<import('./rows.js').Row['aim']>} aim @param {number} value */
export function isMet(aim, value) {
  return 'most' in aim ? value <= aim.most : value >= aim.least;
}

/**
 * @param {import('./rows.js').Row} row
 * @param {Cell | undefined} cell
 * @param {{ isFirn: boolean, failures: string[], serverTitle: string }} context failures gains a line for each failed work
 */
function formatCell(row, cell, { isFirn, failures, serverTitle }) {
  if (cell === undefined || cell.kind === 'impossible') return '–';
  if (cell.kind === 'failed') {
    const line = `${serverTitle}, ${row.work}: ${cell.reason}`;
    if (!failures.includes(line)) failures.push(line);
    return `**FAILED** [${failures.indexOf(line) + 1}]`;
  }
  const value = /** @type {number} */ (cell.value);
  const disturbed = (cell.foreignShare ?? 0) > FOREIGN_SHARE_MAX ? ' ~' : '';
  const verdict = isFirn && row.isJudged && row.aim !== undefined ? (isMet(row.aim, value) ? ' ✓' : ' ✗') : '';
  return `${formatNumber(value)}${verdict}${disturbed}`;
}

/**
 * @param {import('./rows.js').Row[]} rows
 * @param {{ name: string, title: string, version: string }[]} servers
 * @param {Map<string, Cell>} cells by `${server name} ${row id}`
 * @returns {string} Markdown
 */
export function formatTable(rows, servers, cells) {
  /** @type {string[]} */
  const failures = [];
  const header = ['work', 'measure', 'aim', ...servers.map(({ title, version }) => `${title} ${version}`)];
  let lastTitle = '';
  const lines = rows.map((row) => {
    const title = row.title === lastTitle ? '' : row.title;
    lastTitle = row.title;
    const values = servers.map((server) =>
      formatCell(row, cells.get(`${server.name} ${row.id}`), {
        isFirn: server.name === 'firn',
        failures,
        serverTitle: server.title,
      }),
    );
    return [title, row.measure, formatAim(row.aim), ...values];
  });
  const rule = header.map((_, index) => (index < 2 ? '---' : '--:'));
  const table = alignColumns([header, rule, ...lines]);
  const notes = failures.map((line, index) => `[${index + 1}] FAILED: ${line.replaceAll('\n', ' ')}`);
  const isDisturbed = [...cells.values()].some((cell) => (cell.foreignShare ?? 0) > FOREIGN_SHARE_MAX);
  if (isDisturbed)
    notes.push(
      `~ more than ${FOREIGN_SHARE_MAX * 100} % of the server's or of the load's core went to others meanwhile`,
    );
  return [table, ...notes].join('\n\n');
}

/** @param {string[][]} lines the second is the rule under the header */
function alignColumns(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line, index) => {
      const padded = line.map((text, column) => {
        if (index === 1) return text.endsWith(':') ? `${'-'.repeat(widths[column] - 1)}:` : '-'.repeat(widths[column]);
        return column < 2 ? text.padEnd(widths[column]) : text.padStart(widths[column]);
      });
      return `| ${padded.join(' | ')} |`;
    })
    .join('\n');
}
