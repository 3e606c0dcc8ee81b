import { createHash, randomBytes } from 'node:crypto';
import { AccountError } from '../accounts/account-error.js';
import type { Accounts } from '../accounts/accounts.js';
import { addressBlock } from '../accounts/address-block.js';
import type { Actor, Audit } from '../accounts/audit.js';
import type { SignInResult } from '../accounts/authenticator.js';
import type { BasicCredentials } from '../accounts/basic.js';
import { PasswordsBusyError } from '../accounts/passwords.js';
import type { CodeVerdict } from '../accounts/second-factors.js';
import { HttpError } from '../http-error.js';
import type { UserRow } from '../stores/account-store.js';
import type { DriveId, UserId } from '../stores/values.js';
import { clientName } from './client-name.js';
import { codePage, donePage, elsewherePage, gonePage, grantPage, noDrivePage, signInPage } from './login-pages.js';
import { type CloudAnswer, type CloudRequest, json } from './request.js';

const FLOW_MS = 20 * 60_000;
/** More than ever are under way at once, some kilobytes each; who comes then is refused. */
const FLOWS_MAX = 5000;
/** From one network, which behind a proxy that Firn doesn't know is everybody. */
const FLOWS_PER_NETWORK_MAX = 500;
/** After so long without a poll and without a look at its page a flow goes, where another one needs the room. */
const ABANDONED_MS = 5 * 60_000;
const TOKEN_BYTES = 32;
const BUSY = 'Too many people sign in at once. Try again in a moment.';
const WRONG_CODE = 'This code is wrong or was used already. Wait for the next one.';
const NOT_THEIRS = 'This is no drive of yours.';
const CHANGED = 'Your account was changed meanwhile. Sign in again.';
const FLOW_PATH = '/index.php/login/v2/flow/';

interface Flow {
  readonly client: string;
  readonly remoteAddress: string;
  readonly network: string;
  /** Of the server, as the program will use it. */
  readonly address: string;
  /** The drive that the program is for, null where the user chooses. */
  readonly driveId: DriveId | null;
  /** The page of the app itself waits (version 1), or the program polls (version 2). */
  readonly isWebView: boolean;
  readonly startedAt: number;
  readonly pollKey: string;
  /** When the program or its user was last heard from. */
  seenAt: number;
  /** Whose password was right, and what the form with the code must bring. */
  secondStep: { readonly user: UserRow; readonly stepKey: string } | null;
  /** Who has signed in on the page, and what the grant must bring. */
  signedIn: { readonly user: UserRow; readonly grantKey: string } | null;
  granted: { readonly loginName: string; readonly appPassword: string } | null;
}

interface OfferedDrive {
  readonly id: DriveId;
  readonly name: string;
  readonly createdAt: number;
}

export interface LoginFlowParts {
  readonly accounts: Accounts;
  readonly signIn: (credentials: BasicCredentials, remoteAddress: string, client: string) => Promise<SignInResult>;
  /** Of who has a second factor. */
  readonly verifyCode: (userId: UserId, code: string, actor: Actor) => Promise<CodeVerdict>;
  readonly audit: Audit;
  readonly drivesOf: (userId: UserId) => Promise<readonly OfferedDrive[]>;
  readonly now: () => number;
}

/**
 * Nextcloud's login flow, versions 1 and 2: the user signs in on a page of ours and grants the program an app password
 * that is named after it. What is under way lives in memory: the granted password must not lie on a disk, and whoever
 * loses a flow by a restart signs in again.
 */
export class LoginFlows {
  readonly #parts: LoginFlowParts;
  /** By the hash of the token in the page's address, oldest first. */
  readonly #flows = new Map<string, Flow>();
  readonly #byPollKey = new Map<string, Flow>();
  /** How many each network has. */
  readonly #networks = new Map<string, number>();

  constructor(parts: LoginFlowParts) {
    this.#parts = parts;
  }

  /** Answers below `/index.php/login/`; null for what is none of it. Throws `HttpError`. */
  async answer(request: CloudRequest): Promise<CloudAnswer | null> {
    this.#forgetOld();
    const { method, path } = request;
    if (path === '/index.php/login/v2' && method === 'POST') return this.#start(request);
    if (path === '/index.php/login/v2/poll' && method === 'POST') return this.#poll(await pollTokenOf(request));
    if (path === '/index.php/login/flow' && method === 'GET') return this.#startWebView(request);
    if (!path.startsWith(FLOW_PATH)) return null;
    const flow = this.#flows.get(keyOf(path.slice(FLOW_PATH.length)));
    if (!flow || flow.granted) return gonePage();
    flow.seenAt = this.#parts.now();
    if (method === 'GET' || method === 'HEAD') return signInPage(flow);
    if (method !== 'POST')
      throw new HttpError(405, 'This page takes GET and POST.', { headers: { Allow: 'GET, POST' } });
    if (!isFromHere(request)) return elsewherePage();
    const form = await request.readForm();
    if (form.has('grant')) return this.#grant(request, flow, form);
    return form.has('step') ? this.#secondStep(request, flow, form) : this.#signIn(request, flow, form);
  }

  #start(request: CloudRequest): CloudAnswer {
    const { token, pollToken } = this.#begin(request, false);
    const at = `${request.address}/index.php/login/v2`;
    return json(200, { poll: { token: pollToken, endpoint: `${at}/poll` }, login: `${at}/flow/${token}` });
  }

  #startWebView(request: CloudRequest): CloudAnswer {
    const { token } = this.#begin(request, true);
    const location = `${request.address}${FLOW_PATH}${token}`;
    return { status: 303, headers: { Location: location, 'Cache-Control': 'no-store' }, body: null };
  }

  /** Throws `HttpError` 429. */
  #begin(request: CloudRequest, isWebView: boolean): { token: string; pollToken: string } {
    const [token, pollToken] = [makeToken(), makeToken()];
    const { address, driveId, remoteAddress } = request;
    const network = addressBlock(remoteAddress);
    this.#makeRoom(network);
    const startedAt = this.#parts.now();
    const flow: Flow = {
      client: clientName(request.headers['user-agent']),
      remoteAddress,
      network,
      address,
      driveId,
      isWebView,
      startedAt,
      pollKey: keyOf(pollToken),
      seenAt: startedAt,
      secondStep: null,
      signedIn: null,
      granted: null,
    };
    this.#flows.set(keyOf(token), flow);
    this.#byPollKey.set(flow.pollKey, flow);
    this.#networks.set(network, (this.#networks.get(network) ?? 0) + 1);
    return { token, pollToken };
  }

  /** 404 until the user has granted; then the password, once. */
  #poll(token: string): CloudAnswer {
    const flow = this.#byPollKey.get(keyOf(token));
    if (flow) flow.seenAt = this.#parts.now();
    if (!flow?.granted) return json(404, []);
    for (const [key, known] of this.#flows) if (known === flow) this.#drop(key, flow);
    return json(200, { server: flow.address, ...flow.granted });
  }

  async #signIn(request: CloudRequest, flow: Flow, form: URLSearchParams): Promise<CloudAnswer> {
    const email = form.get('email') ?? '';
    const credentials = { userName: email, password: form.get('password') ?? '' };
    const result = await orBusy(this.#parts.signIn(credentials, request.remoteAddress, flow.client));
    if (result === 'busy') return signInPage(flow, { status: 503, text: BUSY }, email);
    if (result.kind === 'throttled') {
      const text = `Too many wrong passwords. Try again in ${result.retryAfterSeconds} seconds.`;
      return signInPage(flow, { status: 429, text, retryAfterSeconds: result.retryAfterSeconds }, email);
    }
    if (result.kind === 'refused') return signInPage(flow, { status: 403, text: result.message }, email);
    if (!result.user.hasSecondFactor) return this.#welcome(request, flow, result.user, 'password');
    const stepToken = makeToken();
    flow.secondStep = { user: result.user, stepKey: keyOf(stepToken) };
    return codePage(flow, stepToken);
  }

  /** PRODUCT S3: a code of the authenticator, or a recovery code. */
  async #secondStep(request: CloudRequest, flow: Flow, form: URLSearchParams): Promise<CloudAnswer> {
    const { secondStep } = flow;
    const stepToken = form.get('step') ?? '';
    if (!secondStep || keyOf(stepToken) !== secondStep.stepKey) return gonePage();
    const { user } = secondStep;
    const actor = actorOf(request, flow, user);
    const verdict = await orBusy(this.#parts.verifyCode(user.id, form.get('code') ?? '', actor));
    if (verdict === 'busy') return codePage(flow, stepToken, { status: 503, text: BUSY });
    if (verdict.kind === 'throttled') {
      const { retryAfterSeconds } = verdict;
      const text = `Too many wrong codes. Try again in ${retryAfterSeconds} seconds.`;
      return codePage(flow, stepToken, { status: 429, text, retryAfterSeconds });
    }
    if (verdict.kind === 'wrong') return codePage(flow, stepToken, { status: 403, text: WRONG_CODE });
    flow.secondStep = null;
    return this.#welcome(request, flow, user, verdict.by);
  }

  async #welcome(request: CloudRequest, flow: Flow, user: UserRow, by: string): Promise<CloudAnswer> {
    await this.#parts.audit.note('sign-in', user.id, actorOf(request, flow, user), { by });
    return this.#offer(flow, user);
  }

  async #offer(flow: Flow, user: UserRow): Promise<CloudAnswer> {
    const refusal = await refusalOf(this.#parts.accounts.checkHasFactor(user.id));
    if (refusal) return signInPage(flow, { status: 403, text: refusal }, user.email);
    const drives = await this.#parts.drivesOf(user.id);
    const offered = flow.driveId === null ? drives : drives.filter(({ id }) => id === flow.driveId);
    if (offered.length === 0) return noDrivePage(flow.driveId !== null);
    const grantToken = makeToken();
    flow.signedIn = { user, grantKey: keyOf(grantToken) };
    return grantPage(flow, user.email, ownFirst(offered, user.ownDriveId), grantToken);
  }

  async #grant(request: CloudRequest, flow: Flow, form: URLSearchParams): Promise<CloudAnswer> {
    const { signedIn } = flow;
    if (!signedIn || keyOf(form.get('grant') ?? '') !== signedIn.grantKey) return gonePage();
    // Once: a form that is sent again makes no second password.
    flow.signedIn = null;
    const { email } = signedIn.user;
    const refuse = (status: number, text: string) => signInPage(flow, { status, text }, email);
    // Whoever signed in with a password that was found out must not go on with it when its owner has changed it.
    if (!isAsBefore(signedIn.user, await this.#parts.accounts.readUser(email))) return refuse(403, CHANGED);
    const chosen = flow.driveId ?? Number(form.get('drive') ?? Number.NaN);
    const secret = await this.#makeAppPassword(flow, chosen, actorOf(request, flow, signedIn.user));
    if (secret === 'busy') return refuse(503, BUSY);
    if (typeof secret === 'object') return refuse(403, secret.refusal);
    flow.granted = { loginName: email, appPassword: secret };
    if (!flow.isWebView) return donePage();
    for (const [key, known] of this.#flows) if (known === flow) this.#drop(key, flow);
    // By the address at which this browser has the page: another one may have begun the flow by an address of its choice.
    const user = encodeURIComponent(email);
    const location = `nc://login/server:${request.address}&user:${user}&password:${encodeURIComponent(secret)}`;
    return { status: 303, headers: { Location: location, 'Cache-Control': 'no-store' }, body: null };
  }

  /** Refused where the drive isn't theirs: a form that was tampered with, or a membership that has just ended. */
  async #makeAppPassword(flow: Flow, driveId: number, actor: Actor): Promise<string | 'busy' | { refusal: string }> {
    const limits = { scopeId: null, allowance: 'full', expiresAt: null } as const;
    try {
      const made = await orBusy(
        this.#parts.accounts.as(actor).createAppPassword({ email: actor.name, name: flow.client, driveId, ...limits }),
      );
      return made === 'busy' ? made : made.secret;
    } catch (cause) {
      if (!(cause instanceof AccountError)) throw cause;
      return { refusal: cause.kind === 'second-factor-required' ? cause.message : NOT_THEIRS };
    }
  }

  /**
   * What is under way is never dropped for a newcomer: a flood would end everybody's. Only what was abandoned makes room.
   * Throws `HttpError` 429.
   */
  #makeRoom(network: string): void {
    const isCrowded = (this.#networks.get(network) ?? 0) >= FLOWS_PER_NETWORK_MAX;
    if (!isCrowded && this.#flows.size < FLOWS_MAX) return;
    const seenBefore = this.#parts.now() - ABANDONED_MS;
    for (const [key, flow] of this.#flows) {
      if (flow.seenAt > seenBefore || (isCrowded && flow.network !== network)) continue;
      this.#drop(key, flow);
      return;
    }
    throw new HttpError(429, 'Too many programs are being connected at once. Try again in some minutes.', {
      headers: { 'Retry-After': String(ABANDONED_MS / 1000) },
    });
  }

  #forgetOld(): void {
    const startedBefore = this.#parts.now() - FLOW_MS;
    for (const [key, flow] of this.#flows) {
      if (flow.startedAt >= startedBefore) return;
      this.#drop(key, flow);
    }
  }

  #drop(key: string, flow: Flow): void {
    if (!this.#flows.delete(key)) return;
    this.#byPollKey.delete(flow.pollKey);
    const left = (this.#networks.get(flow.network) ?? 0) - 1;
    if (left > 0) this.#networks.set(flow.network, left);
    else this.#networks.delete(flow.network);
  }
}

/** The first is what addresses without a drive's ID would show: that of the user's setting, else the oldest. */
function ownFirst(drives: readonly OfferedDrive[], ownId: DriveId | null): OfferedDrive[] {
  const rank = ({ id, createdAt }: OfferedDrive) => (id === ownId ? -1 : createdAt);
  return [...drives].sort((one, other) => rank(one) - rank(other) || one.id - other.id);
}

/** Who is at the page of a flow, for the audit log: the program is what matters to its owner. */
function actorOf({ remoteAddress }: CloudRequest, { client }: Flow, { email: name }: UserRow): Actor {
  return { name, remoteAddress, client };
}

/** Whether what a sign-in rested on still is so. */
function isAsBefore(before: UserRow, now: UserRow): boolean {
  const isSame = now.passwordVersion === before.passwordVersion && now.hasSecondFactor === before.hasSecondFactor;
  return isSame && !now.isDisabled;
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
