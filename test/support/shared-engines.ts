import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import type { Config } from '../../src/config.js';
import { POSTGRES_MIGRATIONS } from '../../src/engines/postgres/migrate-postgres.js';
import { PostgresDatabase } from '../../src/engines/postgres/postgres-database.js';
import { S3Client } from '../../src/engines/s3/s3-client.js';
import { readMigrations } from '../../src/engines/sql/migrate.js';
import { writeKey } from './cluster-place.js';
import { PostgresServer } from './postgres-server.js';
import { newPrefix, startS3Server } from './s3-server.js';

/** A database with the schema and nothing else, of which each test's is a copy. */
const TEMPLATE = 'firn_template';

const NAMED = 'SELECT place FROM content UNION ALL SELECT place FROM condemned UNION ALL SELECT place FROM swept';

declare module 'vitest' {
  interface ProvidedContext {
    engines: { readonly database: string; readonly s3: Omit<SharedS3, 'endpoint'> & { readonly endpoint: string } };
  }
}
type SharedS3 = Awaited<ReturnType<typeof startS3Server>>['settings'];

/** PostgreSQL and an object storage, once for all files of tests of a project. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const [postgres, s3] = await Promise.all([PostgresServer.start(), startS3Server()]);
  await postgres.ask(`CREATE DATABASE ${TEMPLATE} ENCODING 'UTF8' TEMPLATE template0`);
  const migrations = readMigrations(POSTGRES_MIGRATIONS);
  await (await PostgresDatabase.open(postgres.url(TEMPLATE), migrations, { mayBeUnsafe: true })).close();
  provide('engines', {
    database: postgres.url('postgres'),
    s3: { ...s3.settings, endpoint: s3.settings.endpoint.origin },
  });
  return async () => {
    await s3.close();
    await postgres.stop();
  };
}

/** A new database and a new part of the bucket, for servers of one test. */
export interface SharedEngines {
  readonly settings: Partial<Config>;
  /** Objects that nothing in the database names. */
  unfinished(): Promise<string[]>;
  /** Drops the database. */
  end(): Promise<void>;
}

/** Keys go into files of `folder`. */
export async function sharedEngines(folder: string): Promise<SharedEngines> {
  const { database, s3 } = inject('engines');
  const name = `firn_test_${randomBytes(6).toString('hex')}`;
  const url = new URL(database);
  url.pathname = name;
  const [accessKeyFile, secretKeyFile] = [join(folder, 'access.key'), join(folder, 'secret.key')];
  await writeFile(accessKeyFile, `${s3.accessKey}\n${s3.secretKey}\n`, { mode: 0o600 });
  await writeKey(secretKeyFile);
  await ask(database, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  const { endpoint, bucket, region, isPathStyle: pathStyle } = s3;
  const prefix = newPrefix();
  return {
    settings: {
      metadata: { engine: 'postgres', url: url.href, mayBeUnsafe: true } as Config['metadata'],
      blobs: { engine: 's3', endpoint, bucket, region, prefix, accessKeyFile, pathStyle, caFile: null },
      secretKeyFile,
    },
    unfinished: async () => {
      const client = new S3Client({ ...s3, endpoint: new URL(endpoint) });
      try {
        const keys: string[] = [];
        for await (const { key } of client.list(prefix)) keys.push(key);
        const rows = await ask(url.href, NAMED);
        const named = new Set(rows.flatMap(({ place }) => (place === null ? [] : [String(place)])));
        // An object of that name says whose bucket it is.
        return keys.filter((key) => key !== `${prefix}storage` && ![...named].some((place) => key.endsWith(place)));
      } finally {
        client.close();
      }
    },
    end: async () => void (await ask(database, `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
