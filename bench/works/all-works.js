// Every kind of work, in the order in which it runs.
import { fairnessWorks } from './fairness.js';
import { largeWorks } from './large.js';
import { manyWorks } from './many.js';
import { memoryWorks } from './memory.js';
import { smallWorks } from './small.js';
import { syncWorks } from './sync.js';
import { treeWorks } from './tree.js';

export const WORKS = [
  ...smallWorks,
  ...largeWorks,
  ...treeWorks,
  ...syncWorks,
  ...memoryWorks,
  ...manyWorks,
  ...fairnessWorks,
];
export const WORK_NAMES = WORKS.map((work) => work.name);
