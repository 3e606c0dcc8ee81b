import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAll } from './processes.js';

/**
 * A folder for all that a bench writes. Both it and what the bench started are gone on every way out, and nobody's
 * settings of Firn reach the server that is measured.
 * @param {string} [parent]
 * @returns {string}
 */
export function makeBenchFolder(parent = tmpdir()) {
  const folder = mkdtempSync(join(parent, 'firn-bench-'));
  process.once('exit', () => {
    killAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  for (const [signal, code] of /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])) {
    process.once(signal, () => process.exit(code));
  }
  for (const name of Object.keys(process.env)) if (name.startsWith('FIRN_')) delete process.env[name];
  return folder;
}
