import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { totpCode } from '../../src/accounts/totp.js';
import type { AppPasswordMade } from '../../src/console/contract/app-passwords.js';
import type { PasskeyMade } from '../../src/console/contract/passkeys.js';
import type { RecoveryCodesAnswer, TotpAnswer } from '../../src/console/contract/security.js';
import { Cluster } from '../support/cluster-stage.js';
import { ConsoleClient } from '../support/console-client.js';
import { LoginClient } from '../support/login-client.js';
import { emailOf, PASSWORD } from '../support/make-server.js';
import { NodeRequests, race, statusesOf } from '../support/node-requests.js';
import { PasskeyAuthenticator } from '../support/passkey-authenticator.js';

// CLUSTER_ROUNDS=1000: the long form, of which each round here is a user of its own.
const ROUNDS = Math.ceil(Number(process.env.CLUSTER_ROUNDS ?? 12) / 4);
const timeout = 60_000 + ROUNDS * 10_000;
const STEP_MS = 30_000;

let cluster: Cluster;
let nodes: NodeRequests;
let admin: ConsoleClient;
beforeAll(async () => {
  cluster = await Cluster.start({ isNew: true });
  nodes = new NodeRequests(cluster);
  admin = await enter(cluster.server.user, cluster.server.password);
});
afterAll(async () => {
  nodes?.close();
  await cluster?.remove();
});

/** Behind the balancer all nodes have one name; passkeys belong to it. */
const headers = () => ({ Host: `localhost:${cluster.server.port}` });
const origin = () => `http://localhost:${cluster.server.port}`;

async function enter(email: string, password = PASSWORD): Promise<ConsoleClient> {
  const client = new ConsoleClient(nodes.byTurns(headers()));
  const { status, text } = await client.send('POST', '/api/session', { email, password });
  if (status !== 201) throw new Error(`signing in as ${email} was answered ${status}: ${text}`);
  return client;
}

/** The same session at one node. */
function sameAt(node: number, client: ConsoleClient): ConsoleClient {
  const same = new ConsoleClient(nodes.at(node, headers()));
  same.cookie = client.cookie;
  same.csrfToken = client.csrfToken;
  return same;
}

let users = 0;
async function newUser(isAdmin = false): Promise<string> {
  const email = emailOf(`user${users++}`);
  await admin.post('/api/admin/users', { email, name: 'User', password: PASSWORD, isAdmin });
  return email;
}

async function rounds(work: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await work(round);
}

describe('three nodes that start at once on nothing', () => {
  test('make one administrator, one drive and one organization, and one of them says the password', async () => {
    const counts = await cluster.engines.ask(
      'SELECT (SELECT count(*) FROM app_user) AS users, (SELECT count(*) FROM drive) AS drives, (SELECT count(*) FROM organization) AS organizations',
    );
    expect(counts.map((row) => Object.values(row).map(Number))).toEqual([[1, 1, 1]]);
    expect(cluster.nodes.filter(({ log }) => log.includes('password'))).toHaveLength(1);
  });
});

describe('two nodes, one account', () => {
  test('of two administrators who make each other none, one stays', { timeout }, () =>
    rounds(async () => {
      const [one, other] = [await newUser(true), await newUser(true)];
      const clients = [await enter(one), await enter(other)];
      await demote(clients[0]!, cluster.server.user);
      const answers = await race(
        () => demoting(sameAt(0, clients[0]!), other),
        () => demoting(sameAt(1, clients[1]!), one),
      );
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect([403, 409]).toContain(statuses.find((status) => status !== 200));
      const winner = clients[statuses.indexOf(200)]!;
      await winner.send('PATCH', `/api/admin/users/${cluster.server.user}`, { isAdmin: true });
      admin = await enter(cluster.server.user, cluster.server.password);
      await demote(admin, [one, other][statuses.indexOf(200)]!);
    }),
  );

  const demoting = (client: ConsoleClient, email: string) =>
    client.send('PATCH', `/api/admin/users/${email}`, { isAdmin: false });
  async function demote(by: ConsoleClient, email: string): Promise<void> {
    expect((await demoting(by, email)).status).toBe(200);
  }

  test('a code of the authenticator lets in once, and so does a recovery code', { timeout }, () =>
    rounds(async () => {
      const email = await newUser();
      const client = await enter(email);
      const { secret } = await client.post<TotpAnswer>('/api/security/totp');
      const now = Date.now();
      const confirmed = { code: totpCode(secret, now - STEP_MS) };
      const { recoveryCodes } = await client.post<RecoveryCodesAnswer>('/api/security/totp/confirm', confirmed);
      for (const code of [totpCode(secret, now + STEP_MS), recoveryCodes[0]!]) {
        const entering = [await enter(email), await enter(email), await enter(email)];
        const steps = entering.map(
          (half, node) => () => sameAt(node, half).send('POST', '/api/session/second-step', { code }),
        );
        expect(await statusesOf(...steps)).toEqual([200, 403, 403]);
      }
    }),
  );

  test('of two passkeys, the only second factors, one stays', { timeout }, () =>
    rounds(async () => {
      const client = await enter(await newUser());
      const keys = [new PasskeyAuthenticator(origin()), new PasskeyAuthenticator(origin())];
      const ids: string[] = [];
      for (const key of keys) {
        const options = await client.post<PublicKeyCredentialCreationOptionsJSON>('/api/security/passkeys/options');
        const made = await client.post<PasskeyMade>('/api/security/passkeys', {
          name: 'Key',
          response: key.create(options),
        });
        ids.push(made.passkey.id);
      }
      const remove = (node: number) => () => sameAt(node, client).send('DELETE', `/api/security/passkeys/${ids[node]}`);
      expect(await statusesOf(remove(0), remove(1))).toEqual([204, 409]);
    }),
  );

  test('what a passkey signs for one node another takes, once', { timeout }, () =>
    rounds(async () => {
      const email = await newUser();
      const client = await enter(email);
      const key = new PasskeyAuthenticator(origin(), { hasCounter: false });
      const made = await client.post<PublicKeyCredentialCreationOptionsJSON>('/api/security/passkeys/options');
      await client.post('/api/security/passkeys', { name: 'Key', response: key.create(made) });
      const half = await enter(email);
      const asked = await sameAt(0, half).post<PublicKeyCredentialRequestOptionsJSON>('/api/session/passkey/options');
      const response = key.sign(asked);
      const step = (node: number) => () => sameAt(node, half).send('POST', '/api/session/passkey', { response });
      const [done, ...refused] = await statusesOf(step(1), step(2));
      expect(done).toBe(200);
      expect(refused).toHaveLength(1);
      expect([401, 403, 409]).toContain(refused[0]);
    }),
  );

  test('a login flow begins at one node, is granted at another and collected at a third, once', { timeout }, () =>
    rounds(async () => {
      const login = new LoginClient(nodes.byTurns(headers()));
      const flow = await login.start();
      expect((await login.poll(flow)).status).toBe(404);
      const granted = await login.connectAs(flow.login, cluster.server.user, cluster.server.password);
      expect(granted.status).toBe(200);
      const answers = await race(...[0, 1, 2].map(() => () => login.poll(flow)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404]);
      const { loginName, appPassword } = JSON.parse(answers.find(({ status }) => status === 200)!.text);
      const Authorization = `Basic ${Buffer.from(`${loginName}:${appPassword}`).toString('base64')}`;
      expect((await nodes.drive(1, 'PROPFIND', '', { Authorization, Depth: '0' })).status).toBe(207);
    }),
  );
});

describe('three nodes, one throttle', () => {
  /** How many wrong passwords were looked at before the door was shut. */
  async function guessesLetThrough(address: string, nodeOf: (guess: number) => number, atOnce: number) {
    const email = await newUser();
    const statuses: number[] = [];
    for (let guess = 0; guess < 24; guess += atOnce) {
      const begin = Array.from({ length: atOnce }, (_, index) => {
        const client = new ConsoleClient(nodes.at(nodeOf(guess + index), { 'X-Forwarded-For': address }));
        return () => client.send('POST', '/api/session', { email, password: `wrong ${guess} ${index}` });
      });
      statuses.push(...(await race(...begin)).map(({ status }) => status));
    }
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    return statuses.filter((status) => status === 401).length;
  }

  test('lets as many wrong passwords through as one node, one after the other and at once', {
    timeout: 120_000,
  }, async () => {
    const alone = await guessesLetThrough('192.0.2.1', () => 0, 1);
    expect(alone).toBe(10);
    expect(await guessesLetThrough('192.0.2.2', (guess) => guess % 3, 1)).toBe(alone);
    expect(await guessesLetThrough('192.0.2.3', (guess) => guess % 3, 6)).toBe(alone);
  });
});

describe('a right that ends at one node', () => {
  const basic = (email: string, password: string) => `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`;

  /** While `end` is under way others write: what is acknowledged is there, what is refused isn't, and afterwards nothing is. */
  async function endsAtOnce(Authorization: string, name: string, end: () => Promise<{ status: number }>) {
    const write = (node: number, file: string) =>
      nodes.drive(node, 'PUT', file, { Authorization }, 'text').then(({ status }) => ({ status, file }));
    expect((await write(1, `${name}-before`)).status).toBe(201);
    const [ended, ...written] = await race<{ status: number; file?: string }>(
      end,
      ...[0, 1, 2, 0, 1, 2].map((node, index) => () => write(node, `${name}-${index}`)),
    );
    expect(ended!.status).toBeLessThan(300);
    for (const node of [0, 1, 2]) expect([401, 403, 404]).toContain((await write(node, `${name}-after`)).status);
    for (const { status, file } of written) {
      const found = await nodes.drive(2, 'GET', file!);
      expect([status, found.status]).toEqual(status === 201 ? [201, 200] : [status, 404]);
      expect([201, 401, 403, 404]).toContain(status);
    }
  }

  test('an app password that is revoked writes nothing more at any node', { timeout }, () =>
    rounds(async (round) => {
      const { appPassword, secret } = await admin.post<AppPasswordMade>('/api/app-passwords', {
        name: `device ${round}`,
        driveId: null,
      });
      const end = () => sameAt(0, admin).send('DELETE', `/api/app-passwords/${appPassword.id}`);
      await endsAtOnce(basic(cluster.server.user, secret), `revoked-${round}`, end);
    }),
  );

  test('a member who is removed writes nothing more at any node', { timeout }, () =>
    rounds(async (round) => {
      const email = await newUser();
      const member = `/api/admin/drives/${cluster.server.driveId}/members/${email}`;
      expect((await admin.send('PUT', member, { role: 'member', quotaBytes: null })).status).toBeLessThan(300);
      await endsAtOnce(basic(email, PASSWORD), `Firn/Common%20documents/removed-${round}`, () =>
        sameAt(0, admin).send('DELETE', member),
      );
    }),
  );
});

describe('two nodes, one quota', () => {
  test('of two files that fit alone and not together one is taken, and the count is right', { timeout }, () =>
    rounds(async () => {
      const drive = cluster.server.driveId;
      const { drives } = await admin.get<{ drives: { id: number; usedBytes: number }[] }>('/api/drives');
      const used = drives.find(({ id }) => id === Number(drive))!.usedBytes;
      const limit = { quotaBytes: used + 50_000 };
      expect((await admin.send('PATCH', `/api/admin/drives/${drive}`, limit)).status).toBe(200);
      const put = (node: number) => () => nodes.drive(node, 'PUT', `last-${users++}`, {}, Buffer.alloc(50_000, node));
      expect(await statusesOf(put(0), put(1), put(2))).toEqual([201, 507, 507]);
      expect((await admin.send('PATCH', `/api/admin/drives/${drive}`, { quotaBytes: null })).status).toBe(200);
    }),
  );
});
