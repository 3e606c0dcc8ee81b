const isOnCluster = process.env.FIRN_TEST_ENGINE === 'cluster';
const isShort = isOnCluster && process.env.CLUSTER_LONG !== '1';

/** What a scenario is played with: on one server all, on a cluster one of them alone, unless CLUSTER_LONG=1 asks for all. */
export function tried<T>(all: readonly T[], onCluster: T): readonly T[] {
  return isShort ? [onCluster] : all;
}
