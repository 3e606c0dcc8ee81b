import { holdNursery, releaseNursery } from './nursery.js';

holdNursery();
const { serve } = await import('./serve.js');
await serve();
releaseNursery();
