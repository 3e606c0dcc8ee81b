import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeKey } from './cluster-place.js';
import { TestServer } from './make-server.js';

/** A server in this process whose metadata is in the PostgreSQL at `url`, and its bytes in a folder. */
export async function startFirnOn(url: string): Promise<{ readonly firn: TestServer; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-key-'));
  const secretKeyFile = join(folder, 'secret.key');
  await writeKey(secretKeyFile);
  const metadata = { engine: 'postgres', url, mayBeUnsafe: true } as const;
  const firn = await TestServer.start({ metadata, secretKeyFile });
  return {
    firn,
    stop: async () => {
      await firn.stop();
      await rm(folder, { recursive: true });
    },
  };
}
