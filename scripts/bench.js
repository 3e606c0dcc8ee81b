// npm run bench: makes sure of everything the bench needs, then runs it.
import { packagesFor, readCommandLine, runBench } from '../bench/main.js';
import { ensureBuild, ensureDebianPackages, ensureDependencies } from './prepare.js';

const options = readCommandLine(process.argv.slice(2));
if (typeof options === 'number') {
  process.exitCode = options;
} else {
  await ensureDependencies();
  if (options.servers.includes('firn')) await ensureBuild();
  await ensureDebianPackages(packagesFor(options), 'the bench');
  process.exitCode = await runBench(options);
}
