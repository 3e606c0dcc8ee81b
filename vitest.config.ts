import { defineConfig } from 'vitest/config';

// These suites run the built program: dist/ is built for them first, and the others don't wait for that.
const booted = [
  'test/clients/**/*.test.ts',
  'test/crash/**/*.test.ts',
  'test/admin/**/*.test.ts',
  'test/browser/**/*.test.ts',
  'test/console/pages.test.ts',
];
// Several servers on PostgreSQL and an object storage, behind a balancer.
const cluster = ['test/cluster/**/*.test.ts'];
// What programs do on one server they do on a cluster: `bootServer` starts one there.
const onCluster = ['litmus', 'rclone', 'restic', 'davfs2', 'nextcloudcmd', 'joplin'].map(
  (name) => `test/clients/${name}.test.ts`,
);
// The long ones of those that start databases and object storages: one Node is enough for them. A short one of each is among the others.
const engines = [
  'test/conformance/{postgres-!(accounts),swift-*}.test.ts',
  'test/engines/{postgres,s3}-*.test.ts',
  'test/nodes/**/*.test.ts',
];
// What answers may be kept of, once more without.
const unkept = [
  'test/dav/{propfind,proppatch,listings,locks,lock-conditions,downloads,transfer,folder-etags,sync-collection}.test.ts',
  'test/drive/rights-of-the-moment.test.ts',
  'test/http/{access,kept-answers,rights-at-the-end}.test.ts',
  'test/cloud/{trees,trash}.test.ts',
];
// Joplin, in test/clients/joplin, brings tests of its own.
const foreign = '**/node_modules/**';

// What one server does three do on PostgreSQL and an object storage, each connection at another one: `TestServer` starts them.
const spread = ['test/{dav,cloud,console,http,jobs}/**/*.test.ts'];
// But for what is about one process and its disk: its memory, its files, its faults, which tests bring about in it.
const ofOneServer = [
  'test/dav/{depth,large-copies,tus-connections,two-servers}.test.ts',
  'test/http/{full-disk,health,kept-answers,lost-commits,metrics,no-descriptors,refused-uploads,rights-at-the-end}.test.ts',
  'test/jobs/{backup,early-collection,migrate-storage,scrub}*.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // A booted server and its client take a core each.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'source',
          include: ['test/**/*.test.ts'],
          exclude: [...booted, ...cluster, ...engines, foreign],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'unkept',
          include: unkept,
          env: { FIRN_TEST_ANSWER_CACHE_BYTES: '0' },
          exclude: [foreign],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'engines',
          include: engines,
          exclude: [foreign],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'booted',
          include: booted,
          exclude: [foreign],
          globalSetup: ['test/support/global-setup.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'spread',
          include: spread,
          exclude: [...booted, ...ofOneServer, foreign],
          env: { FIRN_TEST_ENGINE: 'cluster' },
          globalSetup: ['test/support/shared-engines.ts'],
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: [...cluster, ...onCluster],
          exclude: [foreign],
          env: { FIRN_TEST_ENGINE: 'cluster' },
          globalSetup: ['test/support/global-setup.ts'],
          hookTimeout: 240_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
