import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { S3Settings } from '../../src/engines/s3/s3-request.js';
import { Ceph } from './ceph.js';
import { PostgresServer } from './postgres-server.js';

/** As an operator runs it: it syncs what it acknowledges. */
const SAFE = ['shared_buffers = 64MB', 'wal_sender_timeout = 5s'];
const DATABASE = 'firn';

/** PostgreSQL and an object storage, for the nodes of a cluster. */
export class ClusterEngines {
  private constructor(
    /** A standby becomes it. */
    public primary: PostgresServer,
    readonly ceph: Ceph,
  ) {}

  static async start(settings: readonly string[] = []): Promise<ClusterEngines> {
    const password = randomBytes(16).toString('hex');
    const [postgres, ceph] = await Promise.allSettled([
      PostgresServer.start([...SAFE, ...settings], password),
      Ceph.start(),
    ]);
    if (postgres.status === 'fulfilled' && ceph.status === 'fulfilled') {
      await postgres.value.ask(`CREATE DATABASE ${DATABASE} ENCODING 'UTF8' TEMPLATE template0`);
      return new ClusterEngines(postgres.value, ceph.value);
    }
    if (postgres.status === 'fulfilled') await postgres.value.stop();
    if (ceph.status === 'fulfilled') await ceph.value.close();
    throw postgres.status === 'rejected' ? postgres.reason : (ceph as PromiseRejectedResult).reason;
  }

  get databaseUrl(): string {
    return this.primary.url(DATABASE);
  }

  /** Rows of the database of the nodes. */
  ask(sql: string, parameters: unknown[] = []): Promise<Record<string, unknown>[]> {
    return this.primary.ask(sql, parameters, DATABASE);
  }

  async stop(): Promise<void> {
    await this.ceph.close();
    await this.primary.stop();
  }
}

/** Where nodes find the engines: directly, or through a proxy. */
export interface EngineAddresses {
  readonly databaseUrl: string;
  readonly s3: S3Settings;
}

/** Settings for nodes. Keys go into files of `folder` that only their owner can read. */
export async function engineSettings({ databaseUrl, s3 }: EngineAddresses, folder: string): Promise<object> {
  const accessKeyFile = join(folder, 'access.key');
  const secretKeyFile = join(folder, 'secret.key');
  await writeFile(accessKeyFile, `${s3.accessKey}\n${s3.secretKey}\n`, { mode: 0o600 });
  await writeFile(secretKeyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const { endpoint, bucket, region, isPathStyle: pathStyle } = s3;
  return {
    metadata: { engine: 'postgres', url: databaseUrl },
    blobs: { engine: 's3', endpoint: endpoint.origin, bucket, region, accessKeyFile, pathStyle },
    secretKeyFile,
    trustedProxies: ['127.0.0.1'],
  };
}
