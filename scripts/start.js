/** `npm start`: prepares a fresh clone, then becomes the server, so that SIGTERM reaches it. */
import { ensureBuild, ensureDependencies } from './prepare.js';

ensureDependencies();
ensureBuild();
await import('../dist/main.js');
