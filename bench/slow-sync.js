// A disk whose syncs take longer, played by a library that the servers are started with.
import { join } from 'node:path';
import { run } from './processes.js';

/**
 * What a server's environment needs so that each of its syncs takes so much longer; nothing for 0.
 * @param {number} milliseconds
 * @param {string} folder
 * @returns {Promise<Record<string, string>>}
 */
export async function slowSyncs(milliseconds, folder) {
  if (milliseconds === 0) return {};
  const library = join(folder, 'slow-sync.so');
  await run('gcc', ['-shared', '-fPIC', '-o', library, join(import.meta.dirname, 'slow-sync.c'), '-ldl'], {});
  return { LD_PRELOAD: library, BENCH_SYNC_MS: String(milliseconds) };
}
