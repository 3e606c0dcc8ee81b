import { runProgram } from './admin/program.js';

/** Entry of the `firn` command; bin/firn.js loads it. */
process.exitCode = await runProgram(process.argv.slice(2));
