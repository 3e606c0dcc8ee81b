import { compactHeap, holdNursery, releaseNursery } from './nursery.js';

holdNursery();
const { serve } = await import('./serve.js');
compactHeap();
await serve();
releaseNursery();
