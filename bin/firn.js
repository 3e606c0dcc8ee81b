#!/usr/bin/env node
/** The `firn` command. A fresh clone is made ready first; what that prints goes to standard error. */
import { existsSync } from 'node:fs';

const program = new URL('../dist/cli.js', import.meta.url);
if (!existsSync(program)) {
  const { ensureBuild, ensureDependencies } = await import('../scripts/prepare.js');
  ensureDependencies();
  ensureBuild();
}
await import(program.href);
