import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { undoAtExit } from '../../support/at-exit.js';
import { mustRun } from '../../support/run-program.js';

const sources = path.dirname(fileURLToPath(import.meta.url));

/** Compiles a file of this folder with the system's compiler; the result goes when the process ends. */
export async function compile(name: string, ...parameters: string[]): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'firn-compiled-'));
  undoAtExit(() => rmSync(folder, { recursive: true, force: true }));
  const result = path.join(folder, path.parse(name).name);
  await mustRun('cc', ['-Wall', '-O2', '-o', result, path.join(sources, name), ...parameters]);
  return result;
}
