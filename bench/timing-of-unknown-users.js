// node bench/timing-of-unknown-users.js [ROUNDS]: whether the time of a refusal tells who has an account.
import { Agent } from 'node:http';
import { send } from './http-client.js';
import { basicAuth, makePassword } from './servers/server.js';
import { guessInConsole, nextAddress, quantile, withSignInServer } from './sign-in-server.js';

const ROUNDS_DEFAULT = 150;
const WARM_UP_ROUNDS = 5;
/** Below this probability of chance the times are called different. */
const CHANCE_MIN = 0.001;

/** Who is guessed at; `unknown` is another address each time. */
const KINDS = /** @type {const} */ (['unknown', 'known', 'changed']);
/** @typedef {typeof KINDS[number]} Kind */

let unknowns = 0;
/** @param {Kind} kind */
const emailOf = (kind) => (kind === 'unknown' ? `nobody-${unknowns++}@example.org` : `${kind}@example.org`);

/** The ways to sign in. @type {Record<string, (baseUrl: string, email: string, agent: Agent) => Promise<{ status: number }>>} */
const WAYS = {
  console: guessInConsole,
  WebDAV: (baseUrl, email, agent) => {
    const headers = { ...basicAuth(email, makePassword()), Depth: '0', 'X-Forwarded-For': nextAddress() };
    return send('PROPFIND', baseUrl, { headers, agent });
  },
};

/**
 * Times of refusals in milliseconds by kind: in each round one of each, in random order, so that what else the machine
 * does meets all alike.
 * @param {(kind: Kind) => Promise<{ status: number }>} guess
 * @param {number} rounds
 */
async function measureRefusals(guess, rounds) {
  /** @type {Record<Kind, number[]>} */
  const times = { unknown: [], known: [], changed: [] };
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const order = KINDS.map((kind) => ({ kind, place: Math.random() })).sort((a, b) => a.place - b.place);
    for (const { kind } of order) {
      const started = performance.now();
      const { status } = await guess(kind);
      if (status !== 401) throw new Error(`a guess was answered ${status}`);
      if (round >= 0) times[kind].push(performance.now() - started);
    }
  }
  return times;
}

/**
 * Mann and Whitney's test: how probable so much order among the two is by chance, and how often one of `a` is larger.
 * @param {number[]} a
 * @param {number[]} b
 */
export function compare(a, b) {
  let larger = 0;
  for (const x of a) for (const y of b) larger += x > y ? 1 : x === y ? 0.5 : 0;
  const pairs = a.length * b.length;
  const z = (larger - pairs / 2) / Math.sqrt((pairs * (a.length + b.length + 1)) / 12);
  return { chance: 2 * (1 - normal(Math.abs(z))), larger: larger / pairs };
}

/** The normal distribution (Abramowitz and Stegun 26.2.17), to 7 digits. @param {number} z not negative */
function normal(z) {
  const t = 1 / (1 + 0.2316419 * z);
  const series = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = series.reduce((total, factor, index) => total + factor * t ** (index + 1), 0);
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}

/** @param {import('./sign-in-server.js').SignInServer} server @param {number} rounds */
async function run({ running, command }, rounds) {
  await command('user', 'create', 'known@example.org');
  await command('user', 'create', 'changed@example.org');
  for (let change = 0; change < 3; change++) await command('user', 'set-password', 'changed@example.org');
  let isDifferent = false;
  for (const [way, guess] of Object.entries(WAYS)) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const times = await measureRefusals((kind) => guess(running.baseUrl, emailOf(kind), agent), rounds);
    agent.destroy();
    const median = (/** @type {Kind} */ kind) =>
      quantile(
        [...times[kind]].sort((a, b) => a - b),
        0.5,
      ).toFixed(1);
    const medians = KINDS.map((kind) => `${kind} ${median(kind)} ms`).join(', ');
    process.stdout.write(`${way}, ${rounds} refusals of each kind, medians: ${medians}\n`);
    for (const kind of /** @type {const} */ (['known', 'changed'])) {
      const { chance, larger } = compare(times[kind], times.unknown);
      if (chance < CHANCE_MIN) isDifferent = true;
      const share = `${(larger * 100).toFixed(1)} % of the time slower than unknown`;
      process.stdout.write(`  ${kind}: ${share} (50 % is chance), p = ${chance.toFixed(4)}\n`);
    }
  }
  process.stdout.write(`${isDifferent ? 'DIFFERENT: the times tell who has an account' : 'no difference is seen'}\n`);
  process.exitCode = isDifferent ? 1 : 0;
}

const rounds = Number(process.argv[2] ?? ROUNDS_DEFAULT);
if (!Number.isSafeInteger(rounds) || rounds < 20) throw new Error('ROUNDS is a number, 20 or more.');
await withSignInServer((server) => run(server, rounds));
