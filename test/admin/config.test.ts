import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError, checkMayListen, readConfig } from '../../src/config.js';

async function makeFolder(settings?: unknown, name = 'firn.config.json') {
  const folder = await mkdtemp(join(tmpdir(), 'firn-config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  if (settings !== undefined) {
    await writeFile(join(folder, name), typeof settings === 'string' ? settings : JSON.stringify(settings));
  }
  return folder;
}

const POSTGRES = { engine: 'postgres', url: 'postgres://firn@127.0.0.1/firn' };
const BUCKET = { engine: 's3', endpoint: 'https://s3.example.org', bucket: 'firn', accessKeyFile: 'a' };

describe('PRODUCT §10 — configuration', () => {
  it('has the defaults that scripts rely on', async () => {
    const folder = await makeFolder();
    expect(readConfig({}, folder)).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      storage: join(folder, 'storage'),
      driveHost: '{id}.connect.*',
      uploadMaxBytes: 50e9,
      uploadMaxExtendedBytes: 100e9,
      trashRetentionDays: 60,
    });
  });

  it('the environment wins over the file', async () => {
    const folder = await makeFolder({ port: 9000, host: '::1', storage: 'data', tlsCertificate: 'c', tlsKey: '/k' });
    const environment = { FIRN_PORT: '9001', FIRN_HOST: '', FIRN_DRIVE_HOST: '{id}.drive.example.org' };
    expect(readConfig(environment, folder)).toMatchObject({
      port: 9001,
      host: '::1',
      storage: join(folder, 'data'),
      tlsCertificate: join(folder, 'c'),
      tlsKey: '/k',
      driveHost: '{id}.drive.example.org',
    });
    expect(readConfig({ FIRN_STORAGE: 'other' }, folder).storage).toBe(join(folder, 'other'));
  });

  it('a bucket is named by the file or by the environment', async () => {
    const s3 = {
      engine: 's3',
      endpoint: 'https://s3.example.org',
      bucket: 'firn',
      accessKeyFile: 'key',
      prefix: 'a/b',
    };
    const folder = await makeFolder({ blobs: s3 });
    const defaults = { region: 'us-east-1', prefix: 'a/b/', pathStyle: true, caFile: null };
    expect(readConfig({}, folder).blobs).toEqual({ ...s3, ...defaults, accessKeyFile: join(folder, 'key') });
    const environment = {
      FIRN_S3_ENDPOINT: 'http://127.0.0.1:9000',
      FIRN_S3_BUCKET: 'other',
      FIRN_S3_ACCESS_KEY_FILE: '/key',
      FIRN_S3_PATH_STYLE: 'false',
    };
    const named = { endpoint: 'http://127.0.0.1:9000', bucket: 'other', accessKeyFile: '/key' };
    const rest = { engine: 's3', ...defaults, prefix: '', pathStyle: false };
    expect(readConfig(environment, folder).blobs).toEqual({ ...rest, ...named });
    expect(() => readConfig({ ...environment, FIRN_S3_PATH_STYLE: 'no' }, folder)).toThrow(
      /FIRN_S3_PATH_STYLE is wrong/,
    );
    expect(() => readConfig({ FIRN_S3_BUCKET: 'other' }, folder)).toThrow(/FIRN_S3_ENDPOINT is wrong/);
  });

  it('the file lies where FIRN_CONFIG says, in the working folder, or in the storage', async () => {
    const folder = await makeFolder({ port: 9000 }, 'mine.json');
    expect(readConfig({ FIRN_CONFIG: 'mine.json' }, folder).port).toBe(9000);
    expect(() => readConfig({ FIRN_CONFIG: 'other.json' }, folder)).toThrow(/other\.json, which does not exist/);
    await mkdir(join(folder, 'storage'));
    await writeFile(join(folder, 'storage', 'firn.config.json'), '{ "port": 9002 }');
    expect(readConfig({}, folder).port).toBe(9002);
  });

  it.each([
    [{ prot: 1 }, /"prot".*knows host, port/],
    [{ blobs: { engine: 's3', endpoint: 'https://s3.example.org/x' } }, /"blobs.endpoint".*without a path/],
    [{ blobs: { engine: 'folder', bucket: 'x' } }, /"blobs" in .*bucket/],
    [{ port: '80' }, /"port"/],
    [{ driveHost: 'connect' }, /"driveHost".*\{id\}/],
    [{ trustedProxies: ['10.0.0.0/33'] }, /"trustedProxies"/],
    [{ corsOrigins: ['https://app.example.org/'] }, /"corsOrigins"/],
    [{ publicUrl: 'ftp://x' }, /"publicUrl"/],
    [{ smtpUrl: 'smtps://user:password@mail.example.org' }, /smtpUrl needs mailFrom/],
    [{ smtpUrl: 'mail.example.org', mailFrom: 'firn@example.org' }, /"smtpUrl".*smtps:\/\/user/],
    [{ mailFrom: 'Firn\r\nBcc: <x@evil.example>' }, /"mailFrom"/],
    [{ tlsKey: 'k' }, /tlsCertificate and tlsKey/],
    [{ uploadMaxBytes: 200e9 }, /uploadMaxBytes/],
    [{ backup: { to: { engine: 'folder' } } }, /"backup.to.path"/],
    [{ metadata: POSTGRES, backup: { to: { engine: 'folder', path: 'b' } } }, /"backup" is for SQLite/],
    [{ metadata: POSTGRES }, /PostgreSQL needs "blobs" in a bucket/],
    [{ metadata: POSTGRES, blobs: BUCKET }, /PostgreSQL needs secretKeyFile/],
    [{ metadata: POSTGRES, blobs: BUCKET, secretKeyFile: 'k', workers: 2 }, /workers are for SQLite/],
    [{ nodeName: 'a b' }, /"nodeName".*letters/],
    [[], /one JSON object/],
    ['{', /JSON/],
  ])('%j is refused with a sentence', async (settings, message) => {
    const folder = await makeFolder(settings);
    expect(() => readConfig({}, folder)).toThrow(ConfigError);
    expect(() => readConfig({}, folder)).toThrow(message);
  });

  it('decision 0026 — a server of a cluster is configured by a file, or by variables alone', async () => {
    const folder = await makeFolder({
      metadata: POSTGRES,
      blobs: BUCKET,
      secretKeyFile: 'k',
      nodeName: 'a',
      drainSeconds: 5,
    });
    expect(readConfig({}, folder)).toMatchObject({ secretKeyFile: join(folder, 'k'), nodeName: 'a', drainSeconds: 5 });
    const variables = {
      FIRN_DATABASE: POSTGRES.url,
      FIRN_S3_ENDPOINT: BUCKET.endpoint,
      FIRN_S3_BUCKET: 'firn',
      FIRN_S3_ACCESS_KEY_FILE: 'a',
      FIRN_SECRET_KEY_FILE: 'k',
      FIRN_NODE_NAME: 'b',
    };
    const empty = await makeFolder();
    expect(readConfig(variables, empty)).toMatchObject({
      metadata: POSTGRES,
      secretKeyFile: join(empty, 'k'),
      nodeName: 'b',
    });
  });

  it('a wrong variable is named', async () => {
    const folder = await makeFolder();
    expect(() => readConfig({ FIRN_PORT: 'http' }, folder)).toThrow(/^FIRN_PORT /);
    expect(() => readConfig({ FIRN_LOG_LEVEL: 'loud' }, folder)).toThrow(/^FIRN_LOG_LEVEL /);
  });
});

describe('PRODUCT A5 — without TLS loopback only', () => {
  const check = async (settings: object) => {
    const folder = await makeFolder(settings);
    return () => checkMayListen(readConfig({}, folder));
  };
  it.each([
    { host: '127.0.0.1' },
    { host: '127.8.8.8' },
    { host: '::1' },
    { host: 'localhost' },
    { host: '0.0.0.0', tlsCertificate: 'c', tlsKey: 'k' },
    { host: '0.0.0.0', allowPlainHttpBeyondLoopback: true },
  ])('%j may listen', async (settings) => {
    expect(await check(settings)).not.toThrow();
  });
  it.each(['0.0.0.0', '::', '192.0.2.1', 'firn.example.org', '127.example.org'])('%s may not', async (host) => {
    expect(await check({ host })).toThrow(/allowPlainHttpBeyondLoopback/);
  });
});
