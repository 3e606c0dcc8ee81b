import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { Rclone } from '../support/rclone.js';
import { mustRun } from '../support/run-program.js';
import { compareTimes, compareTrees, makeTree, readTree, seededBytes, writeTree } from '../support/trees.js';

describe('client-requirements 2.2 — restic through rclone over TLS', () => {
  let server: BootedServer;
  let rclone: Rclone;

  beforeAll(async () => {
    server = await bootServer({ hostMount: true, tls: true });
    rclone = await Rclone.against(server);
  });
  afterAll(async () => {
    await rclone?.remove();
    await server?.remove();
  });

  const restic = (...parameters: string[]) =>
    mustRun('restic', ['-r', 'rclone:nextcloud-host-files:restic', '--no-cache', ...parameters], {
      environment: { ...rclone.environment, RESTIC_PASSWORD: 'spruce' },
      folder: rclone.folder,
    });

  test('init, two backups, restore, forget, check with every byte: each snapshot comes back equal', {
    timeout: 240_000,
  }, async () => {
    const tree = makeTree('restic', 20);
    const source = path.join(rclone.folder, 'source');
    await writeTree(tree, source);
    await restic('init');
    await restic('backup', 'source');
    const later = new Map([...tree, ['added.bin', seededBytes('added', 3_000_000)]]);
    await writeTree(later, source);
    await restic('backup', 'source');
    const snapshots = JSON.parse(await restic('snapshots', '--json')) as { short_id: string }[];
    for (const [index, expected] of [tree, later].entries()) {
      const back = path.join(rclone.folder, `back-${index}`);
      await restic('restore', snapshots[index]!.short_id, '--target', back);
      expect(compareTrees(expected, await readTree(path.join(back, 'source')))).toEqual([]);
      expect(await compareTimes(expected, source, path.join(back, 'source'))).toEqual([]);
    }
    await restic('forget', snapshots[0]!.short_id, '--prune');
    expect(await restic('check', '--read-data')).toContain('no errors were found');
    expect(JSON.parse(await restic('snapshots', '--json'))).toHaveLength(1);
  });
});
