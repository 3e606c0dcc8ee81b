import { compactHeap, holdGrowth, holdNursery, releaseNursery } from './nursery.js';

holdNursery();
const { serve } = await import('./serve.js');
holdGrowth();
compactHeap();
await serve();
releaseNursery();
