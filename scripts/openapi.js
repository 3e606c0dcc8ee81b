// npm run openapi: writes docs/openapi.json, the reference of the JSON API, from the contract.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureBuild, ensureDependencies, root } from './prepare.js';

await ensureDependencies();
await ensureBuild();
const { apiText } = await import('../dist/console/openapi.js');
const { CONTRACT } = await import('../dist/console/contract/table.js');
writeFileSync(path.join(root, 'docs', 'openapi.json'), apiText(CONTRACT));
