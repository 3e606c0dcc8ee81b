/**
 * `npm run power -- [--rounds N] [--fs ext4|xfs] [--seed N]`: the long form of the test that cuts a disk's power
 * (test/crash/power-cut.test.ts). As root: it mounts file systems.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuild, ensureDebianPackages, ensureDependencies, root, say } from './prepare.js';

/** The environment that the test reads its options from. Throws where they are wrong. */
function readOptions() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '30' },
      fs: { type: 'string', default: 'ext4' },
      seed: { type: 'string' },
    },
  });
  const { rounds, fs, seed } = values;
  if (!/^[1-9]\d{0,3}$/.test(rounds)) throw new Error('--rounds is a number from 1 to 9999.');
  if (fs !== 'ext4' && fs !== 'xfs') throw new Error('--fs is ext4 or xfs.');
  if (seed !== undefined && !/^\d{1,9}$/.test(seed)) throw new Error('--seed is a number of at most 9 digits.');
  return { POWER_ROUNDS: rounds, POWER_FS: fs, ...(seed === undefined ? {} : { POWER_SEED: seed }) };
}

try {
  const options = readOptions();
  ensureDependencies();
  ensureBuild();
  const packages = ['g++', 'libfuse3-dev', 'e2fsprogs', 'xfsprogs', 'mount'];
  ensureDebianPackages(packages, 'the power test makes and mounts file systems');
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const parameters = [vitest, 'run', '--project', 'booted', 'test/crash/power-cut.test.ts'];
  const env = { ...process.env, ...options };
  process.exitCode = spawnSync(process.execPath, parameters, { cwd: root, stdio: 'inherit', env }).status ?? 1;
} catch (error) {
  say(error.message);
  process.exitCode = 2;
}
