import { test } from 'vitest';

/** Whether the tests are played on several servers, which share a database and an object storage. */
export const isOnCluster = process.env.FIRN_TEST_ENGINE === 'cluster';
const isShort = isOnCluster && process.env.CLUSTER_LONG !== '1';

/** What a scenario is played with: on one server all, on a cluster one of them alone, unless CLUSTER_LONG=1 asks for all. */
export function tried<T>(all: readonly T[], onCluster: T): readonly T[] {
  return isShort ? [onCluster] : all;
}

/** A test about what one process holds in its memory or on its disk, which several servers don't share. */
export const testOnOneServer = test.skipIf(isOnCluster);
