import { createHash, randomBytes } from 'node:crypto';
import { AccountError } from '../accounts/account-error.js';
import type { Accounts } from '../accounts/accounts.js';
import { addressBlock } from '../accounts/address-block.js';
import type { Actor, Audit } from '../accounts/audit.js';
import type { Authenticator } from '../accounts/authenticator.js';
import { PasswordsBusyError } from '../accounts/passwords.js';
import type { SecondFactors } from '../accounts/second-factors.js';
import { HttpError } from '../http-error.js';
import type { UserRow } from '../stores/account-store.js';
import type { LoginFlowRow, LoginFlowStore, LoginFlowView, SignedInPerson } from '../stores/login-flow-store.js';
import type { MetadataStore, StoreTransaction } from '../stores/metadata-store.js';
import type { DriveId } from '../stores/values.js';
import { clientName } from './client-name.js';
import { codePage, donePage, elsewherePage, gonePage, grantPage, noDrivePage, signInPage } from './login-pages.js';
import { type CloudAnswer, type CloudRequest, json } from './request.js';

const FLOW_MS = 20 * 60_000;
/** More than ever are under way at once; who comes then is refused. */
const FLOWS_MAX = 5000;
/** From one network, which behind a proxy that Firn doesn't know is everybody. */
const FLOWS_PER_NETWORK_MAX = 500;
/** How exactly it is known when a flow was last seen. */
const SEEN_MS = 60_000;
/** After so long without a poll and without a look at its page a flow goes, where another one needs the room. */
const ABANDONED_MS = 5 * 60_000;
const TOKEN_BYTES = 32;
const BUSY = 'Too many people sign in at once. Try again in a moment.';
const WRONG_CODE = 'This code is wrong or was used already. Wait for the next one.';
const NOT_THEIRS = 'This is no drive of yours.';
const CHANGED = 'Your account was changed meanwhile. Sign in again.';
const FLOW_PATH = '/index.php/login/v2/flow/';

interface OfferedDrive {
  readonly id: DriveId;
  readonly name: string;
  readonly createdAt: number;
}

export interface LoginFlowParts {
  readonly accounts: Accounts;
  readonly authenticator: Authenticator;
  readonly secondFactors: Pick<SecondFactors, 'verify'>;
  readonly audit: Audit;
  readonly metadata: MetadataStore;
}

/**
 * Nextcloud's login flow, versions 1 and 2: the user signs in on a page of ours and grants the program an app password
 * that is named after it. What is under way is kept by hashes of its tokens, so a restart ends no flow. The password is
 * made when the program asks for it: no granted password ever lies on a disk.
 */
export class LoginFlows {
  readonly #parts: LoginFlowParts;
  readonly #now: () => number;

  /** `now`: milliseconds since 1970. */
  constructor(parts: LoginFlowParts, now: () => number = Date.now) {
    this.#parts = parts;
    this.#now = now;
  }

  /** Answers below `/index.php/login/`; null for what is none of it. Throws `HttpError`. */
  async answer(request: CloudRequest): Promise<CloudAnswer | null> {
    const { method, path } = request;
    if (path === '/index.php/login/v2' && method === 'POST') return this.#start(request);
    if (path === '/index.php/login/v2/poll' && method === 'POST') return this.#poll(await pollTokenOf(request));
    if (path === '/index.php/login/flow' && method === 'GET') return this.#startWebView(request);
    if (!path.startsWith(FLOW_PATH)) return null;
    const key = keyOf(path.slice(FLOW_PATH.length));
    const flow = await this.#find((flows) => flows.find(key));
    if (!flow || flow.grantedDriveId !== null) return gonePage();
    await this.#noteSeen(flow);
    if (method === 'GET' || method === 'HEAD') return signInPage(flow);
    if (method !== 'POST')
      throw new HttpError(405, 'This page takes GET and POST.', { headers: { Allow: 'GET, POST' } });
    if (!isFromHere(request)) return elsewherePage();
    const form = await request.readForm();
    if (form.has('grant')) return this.#grant(request, flow, form);
    return form.has('step') ? this.#secondStep(request, flow, form) : this.#signIn(request, flow, form);
  }

  async #start(request: CloudRequest): Promise<CloudAnswer> {
    const { token, pollToken } = await this.#begin(request, false);
    const at = `${request.address}/index.php/login/v2`;
    return json(200, { poll: { token: pollToken, endpoint: `${at}/poll` }, login: `${at}/flow/${token}` });
  }

  async #startWebView(request: CloudRequest): Promise<CloudAnswer> {
    const { token } = await this.#begin(request, true);
    const location = `${request.address}${FLOW_PATH}${token}`;
    return { status: 303, headers: { Location: location, 'Cache-Control': 'no-store' }, body: null };
  }

  /** Throws `HttpError` 429. */
  async #begin(request: CloudRequest, isWebView: boolean): Promise<{ token: string; pollToken: string }> {
    const [token, pollToken] = [makeToken(), makeToken()];
    const { address, driveId, remoteAddress } = request;
    const now = this.#now();
    const flow: LoginFlowRow = {
      key: keyOf(token),
      pollKey: keyOf(pollToken),
      client: clientName(request.headers['user-agent']),
      remoteAddress,
      network: addressBlock(remoteAddress),
      address,
      driveId,
      isWebView,
      startedAt: now,
      seenAt: now,
      person: null,
      stepKey: null,
      grantKey: null,
      grantedDriveId: null,
    };
    await this.#write(async ({ loginFlows }) => {
      await loginFlows.removeOutside(now - FLOW_MS, now + FLOW_MS);
      await makeRoom(loginFlows, flow.network, now);
      await loginFlows.insert(flow);
    });
    return { token, pollToken };
  }

  /** 404 until the user has granted; then the password, once. */
  async #poll(token: string): Promise<CloudAnswer> {
    const flow = await this.#find((flows) => flows.findByPollKey(keyOf(token)));
    if (flow) await this.#noteSeen(flow);
    if (!flow?.person || flow.grantedDriveId === null) return json(404, []);
    const appPassword = await this.#makeAppPassword(flow, flow.person, flow.grantedDriveId);
    if (appPassword === 'busy') throw new HttpError(503, BUSY, { headers: { 'Retry-After': '5' } });
    if (typeof appPassword === 'object') return json(404, []);
    return json(200, { server: flow.address, loginName: flow.person.email, appPassword });
  }

  async #signIn(request: CloudRequest, flow: LoginFlowRow, form: URLSearchParams): Promise<CloudAnswer> {
    const email = form.get('email') ?? '';
    const credentials = { userName: email, password: form.get('password') ?? '' };
    const result = await orBusy(this.#parts.authenticator.signIn(credentials, request.remoteAddress, flow.client));
    if (result === 'busy') return signInPage(flow, { status: 503, text: BUSY }, email);
    if (result.kind === 'throttled') {
      const text = `Too many wrong passwords. Try again in ${result.retryAfterSeconds} seconds.`;
      return signInPage(flow, { status: 429, text, retryAfterSeconds: result.retryAfterSeconds }, email);
    }
    if (result.kind === 'refused') return signInPage(flow, { status: 403, text: result.message }, email);
    const { user } = result;
    if (!user.hasSecondFactor) return this.#welcome(request, flow, personOf(user), 'password');
    const stepToken = makeToken();
    const change = { person: personOf(user), stepKey: keyOf(stepToken), grantKey: null };
    await this.#write(({ loginFlows }) => loginFlows.update(flow.key, change));
    return codePage(flow, stepToken);
  }

  /** PRODUCT S3: a code of the authenticator, or a recovery code. */
  async #secondStep(request: CloudRequest, flow: LoginFlowRow, form: URLSearchParams): Promise<CloudAnswer> {
    const { person, stepKey } = flow;
    const stepToken = form.get('step') ?? '';
    if (!person || keyOf(stepToken) !== stepKey) return gonePage();
    const actor = actorOf(request, flow, person);
    const verdict = await orBusy(this.#parts.secondFactors.verify(person.userId, form.get('code') ?? '', actor));
    if (verdict === 'busy') return codePage(flow, stepToken, { status: 503, text: BUSY });
    if (verdict.kind === 'throttled') {
      const { retryAfterSeconds } = verdict;
      const text = `Too many wrong codes. Try again in ${retryAfterSeconds} seconds.`;
      return codePage(flow, stepToken, { status: 429, text, retryAfterSeconds });
    }
    if (verdict.kind === 'wrong') return codePage(flow, stepToken, { status: 403, text: WRONG_CODE });
    return this.#welcome(request, flow, person, verdict.by);
  }

  async #welcome(request: CloudRequest, flow: LoginFlowRow, person: SignedInPerson, by: string): Promise<CloudAnswer> {
    await this.#parts.audit.note('sign-in', person.userId, actorOf(request, flow, person), { by });
    const { email } = person;
    const refusal = await refusalOf(this.#parts.accounts.checkHasFactor(person.userId));
    if (refusal) return signInPage(flow, { status: 403, text: refusal }, email);
    const drives = await this.#parts.accounts.drivesOf(person.userId);
    const offered = flow.driveId === null ? drives : drives.filter(({ id }) => id === flow.driveId);
    if (offered.length === 0) return noDrivePage(flow.driveId !== null);
    const grantToken = makeToken();
    const change = { person, stepKey: null, grantKey: keyOf(grantToken) };
    await this.#write(({ loginFlows }) => loginFlows.update(flow.key, change));
    const { ownDriveId } = await this.#parts.accounts.readUser(email);
    return grantPage(flow, email, ownFirst(offered, ownDriveId), grantToken);
  }

  async #grant(request: CloudRequest, { key }: LoginFlowRow, form: URLSearchParams): Promise<CloudAnswer> {
    const grantKey = keyOf(form.get('grant') ?? '');
    // Once: a form that is sent again grants nothing.
    const flow = await this.#write(async ({ loginFlows }) => {
      const known = await loginFlows.find(key);
      if (!known?.person || known.grantKey !== grantKey) return null;
      await loginFlows.update(key, { grantKey: null });
      return { ...known, person: known.person };
    });
    if (!flow) return gonePage();
    const { person } = flow;
    const refuse = (status: number, text: string) => signInPage(flow, { status, text }, person.email);
    const chosen = flow.driveId ?? Number(form.get('drive') ?? Number.NaN);
    if (flow.isWebView) return this.#grantToWebView(request, flow, person, chosen, refuse);
    if (!isAsBefore(person, await this.#parts.accounts.readUser(person.email))) return refuse(403, CHANGED);
    const drives = await this.#parts.accounts.drivesOf(person.userId);
    const drive = drives.find(({ id }) => id === chosen);
    if (!drive) return refuse(403, NOT_THEIRS);
    const refusal = await refusalOf(this.#parts.accounts.checkHasFactor(person.userId));
    if (refusal) return refuse(403, refusal);
    await this.#write(({ loginFlows }) => loginFlows.update(key, { grantedDriveId: drive.id }));
    return donePage();
  }

  async #grantToWebView(
    request: CloudRequest,
    flow: LoginFlowRow,
    person: SignedInPerson,
    driveId: number,
    refuse: (status: number, text: string) => CloudAnswer,
  ): Promise<CloudAnswer> {
    const secret = await this.#makeAppPassword(flow, person, driveId);
    if (secret === 'busy') return refuse(503, BUSY);
    if (typeof secret === 'object') return refuse(403, secret.refusal);
    // By the address at which this browser has the page: another one may have begun the flow by an address of its choice.
    const user = encodeURIComponent(person.email);
    const location = `nc://login/server:${request.address}&user:${user}&password:${encodeURIComponent(secret)}`;
    return { status: 303, headers: { Location: location, 'Cache-Control': 'no-store' }, body: null };
  }

  /**
   * Ends the flow and makes its password. Refused where the drive isn't theirs: a form that was tampered with, or a membership
   * that has just ended.
   */
  async #makeAppPassword(
    flow: LoginFlowRow,
    person: SignedInPerson,
    driveId: number,
  ): Promise<string | 'busy' | { refusal: string }> {
    const endFlow = async ({ loginFlows }: StoreTransaction, user: UserRow) => {
      // Two requests may ask at the same time: one of them ends the flow.
      if (!(await loginFlows.remove(flow.key))) throw new FlowRefusal(NOT_THEIRS);
      // Who signed in with a password that was found out must not go on with it when its owner has changed it.
      if (!isAsBefore(person, user)) throw new FlowRefusal(CHANGED);
    };
    const { email } = person;
    const { client, remoteAddress } = flow;
    const limits = { scopeId: null, allowance: 'full', expiresAt: null } as const;
    const accounts = this.#parts.accounts.as({ name: email, remoteAddress, client });
    try {
      const made = await orBusy(accounts.createAppPassword({ email, name: client, driveId, ...limits, also: endFlow }));
      return made === 'busy' ? made : made.secret;
    } catch (cause) {
      if (!(cause instanceof FlowRefusal || cause instanceof AccountError)) throw cause;
      await this.#write(({ loginFlows }) => loginFlows.remove(flow.key));
      const isSaid = cause instanceof FlowRefusal || cause.kind === 'second-factor-required';
      return { refusal: isSaid ? cause.message : NOT_THEIRS };
    }
  }

  /** Null where it has ended. */
  async #find(look: (flows: LoginFlowView) => Promise<LoginFlowRow | null>): Promise<LoginFlowRow | null> {
    const flow = await this.#parts.metadata.readOne([], ({ loginFlows }) => look(loginFlows));
    // Both ways: a clock that was wrong for a minute lets no flow last.
    if (!flow || Math.abs(this.#now() - flow.startedAt) <= FLOW_MS) return flow;
    await this.#write(({ loginFlows }) => loginFlows.remove(flow.key));
    return null;
  }

  /** To the minute: a program asks every second. */
  async #noteSeen({ key, seenAt }: LoginFlowRow): Promise<void> {
    const now = this.#now();
    if (Math.abs(now - seenAt) < SEEN_MS) return;
    await this.#write(({ loginFlows }) => loginFlows.update(key, { seenAt: now }));
  }

  #write<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    return this.#parts.metadata.write([], work);
  }
}

/**
 * What is under way is never dropped for a newcomer: a flood would end everybody's. Only what was abandoned makes room.
 * Throws `HttpError` 429.
 */
async function makeRoom(flows: LoginFlowStore, network: string, now: number): Promise<void> {
  const isCrowded = (await flows.count(network)) >= FLOWS_PER_NETWORK_MAX;
  if (!isCrowded && (await flows.count(null)) < FLOWS_MAX) return;
  if (await flows.removeAbandoned(isCrowded ? network : null, now - ABANDONED_MS)) return;
  throw new HttpError(429, 'Too many programs are being connected at once. Try again in some minutes.', {
    headers: { 'Retry-After': String(ABANDONED_MS / 1000) },
  });
}

function personOf({ id, email, passwordVersion, hasSecondFactor }: UserRow): SignedInPerson {
  return { userId: id, email, passwordVersion, hasSecondFactor };
}

/** The first is what addresses without a drive's ID would show: that of the user's setting, else the oldest. */
function ownFirst(drives: readonly OfferedDrive[], ownId: DriveId | null): OfferedDrive[] {
  const rank = ({ id, createdAt }: OfferedDrive) => (id === ownId ? -1 : createdAt);
  return [...drives].sort((one, other) => rank(one) - rank(other) || one.id - other.id);
}

/** Who is at the page of a flow, for the audit log: the program is what matters to its owner. */
function actorOf({ remoteAddress }: CloudRequest, { client }: LoginFlowRow, { email: name }: SignedInPerson): Actor {
  return { name, remoteAddress, client };
}

/** Whether what a sign-in rested on still is so. */
function isAsBefore(before: SignedInPerson, now: UserRow): boolean {
  const isSame = now.passwordVersion === before.passwordVersion && now.hasSecondFactor === before.hasSecondFactor;
  return isSame && now.id === before.userId && !now.isDisabled;
}

/** Its message is for the page. */
class FlowRefusal extends Error {
  override readonly name = 'FlowRefusal';
}

/** In the form, or in the query as Nextcloud's iOS app has it. */
async function pollTokenOf(request: CloudRequest): Promise<string> {
  return (await request.readForm()).get('token') ?? request.query.get('token') ?? '';
}

/** A page elsewhere can't post here in its visitor's name. A proxy may have put another `Host` than the browser's. */
function isFromHere({ headers, address }: CloudRequest): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  const sender = hostIn(origin);
  return sender !== null && (sender === host?.toLowerCase() || sender === hostIn(address));
}

function hostIn(url: string): string | null {
  return URL.canParse(url) ? new URL(url).host : null;
}

/** What accounts refuse, as a sentence; null where they don't. */
async function refusalOf(work: Promise<void>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof AccountError) return error.message;
    throw error;
  }
}

async function orBusy<T>(work: Promise<T>): Promise<T | 'busy'> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof PasswordsBusyError) return 'busy';
    throw error;
  }
}

function makeToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** What a token is kept and found by. */
function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
