/**
 * The Joplin that test/clients/joplin.test.ts drives, in a package of its own: the product and its other tests have none
 * of its six hundred dependencies.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { areDependenciesFresh, ensureDebianPackages, root, runOrExit, say } from './prepare.js';

const folder = path.join(root, 'test', 'clients', 'joplin');

/** True when the compiled SQLite of Joplin is there and fits this Node. */
function isCompiled() {
  try {
    createRequire(path.join(folder, 'package.json'))('sqlite3');
    return true;
  } catch {
    return false; // Absent, not compiled, or for another machine: either way it is compiled again.
  }
}

/**
 * Nothing that a package wants to run at its installation runs but the compilation of sqlite3, from the sources that
 * the lock file pins. Without optimization that takes a third of the time, and SQLite is not what the tests measure.
 */
const compiling = {
  folder,
  environment: { npm_config_build_from_source: 'true', CFLAGS: '-O0 -g0', CXXFLAGS: '-O0 -g0' },
};

/** Installs Joplin when it is missing or differs from its package-lock.json; ends the process when that fails. */
export function ensureJoplin() {
  if (areDependenciesFresh(folder) && isCompiled()) return;
  ensureDebianPackages(['python3', 'make', 'g++'], 'Joplin brings sources that are compiled');
  say('installing Joplin for its tests (npm ci in test/clients/joplin), one to two minutes …');
  const parameters = ['ci', '--omit=dev', '--ignore-scripts', '--loglevel=error'];
  runOrExit('npm', parameters, 'npm ci in test/clients/joplin failed, see above.', { folder });
  const failure = 'Joplin could not be compiled, see above.';
  runOrExit('npm', ['rebuild', 'sqlite3', '--loglevel=error'], failure, compiling);
}
