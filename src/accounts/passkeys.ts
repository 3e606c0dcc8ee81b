import { isIP } from 'node:net';
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
  VerifiedRegistrationResponse,
  WebAuthnCredential,
} from '@simplewebauthn/server';
import type { MetadataStore } from '../stores/metadata-store.js';
import {
  type NewPasskey,
  type NewRecoveryCode,
  type PasskeyChallenge,
  type PasskeyRow,
  PasskeyTakenError,
} from '../stores/security-store.js';
import type { UserId } from '../stores/values.js';
import { AccountError } from './account-error.js';
import { checkDisplayName } from './account-rules.js';
import type { Actor, Audit } from './audit.js';
import type { Passwords } from './passwords.js';
import { makeRecoveryCodes } from './recovery-codes.js';
import { hasFactor } from './second-factors.js';
import { endOthersIn } from './sessions.js';

const CHALLENGE_MS = 5 * 60_000;
/** Of one user; each is named in every sign-in. */
const PASSKEYS_MAX = 50;
/** Loaded when somebody has a passkey: it takes 25 MB, which most servers never need. */
const webauthn = () => import('@simplewebauthn/server');
type Transports = NonNullable<WebAuthnCredential['transports']>;

export interface PasskeysOptions {
  readonly audit: Audit;
  /** The name that the browser shows. */
  readonly name: string;
  /** Where people reach the server; null: as each request says. */
  readonly publicUrl: string | null;
  readonly now?: () => number;
}

/** Who is at which browser, and by which address (scheme, host and port) they came. */
export interface PasskeyVisitor {
  readonly user: {
    readonly id: UserId;
    readonly email: string;
    readonly name: string;
    readonly hasSecondFactor: boolean;
  };
  readonly sessionId: number;
  readonly origin: string;
}

/** `copied`: its counter went back, so somebody else has its key too. */
export type PasskeyVerdict = 'good' | 'wrong' | 'copied';

/**
 * Passkeys and security keys as a second factor (WebAuthn Level 3). A challenge belongs to one session, and is good once,
 * for five minutes. The password was asked for before, so the key need not know whose finger it is.
 */
export class Passkeys {
  readonly #metadata: MetadataStore;
  readonly #audit: Audit;
  readonly #passwords: Passwords;
  readonly #options: PasskeysOptions;
  readonly #now: () => number;

  constructor(metadata: MetadataStore, passwords: Passwords, options: PasskeysOptions) {
    this.#metadata = metadata;
    this.#audit = options.audit;
    this.#passwords = passwords;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** For `navigator.credentials.create`. Throws `AccountError` where the address is none that passkeys work with. */
  async registrationOptions(visitor: PasskeyVisitor): Promise<PublicKeyCredentialCreationOptionsJSON> {
    const { user } = visitor;
    const { rpId } = this.#siteOf(visitor);
    const passkeys = await this.#passkeysOf(user.id);
    checkCount(passkeys);
    const options = await (await webauthn()).generateRegistrationOptions({
      rpName: this.#options.name,
      rpID: rpId,
      userID: new TextEncoder().encode(String(user.id)),
      userName: user.email,
      userDisplayName: user.name,
      timeout: CHALLENGE_MS,
      excludeCredentials: passkeys.map(toDescriptor),
      authenticatorSelection: { residentKey: 'discouraged', userVerification: 'discouraged' },
    });
    await this.#putChallenge('create', visitor, options.challenge);
    return options;
  }

  /**
   * Adds what the browser made. As the first second factor it comes with recovery codes, shown this once, and ends all other
   * sessions. Throws `AccountError`.
   */
  async add(
    visitor: PasskeyVisitor,
    name: string,
    response: unknown,
    actor: Actor,
  ): Promise<{
    readonly id: string;
    readonly name: string;
    readonly createdAt: number;
    readonly recoveryCodes: readonly string[] | null;
  }> {
    const kept = checkDisplayName(name, "The passkey's name");
    const verified = await this.#verifyNew(visitor, response);
    if (!verified?.verified) throw notChecked();
    const { id, publicKey, counter, transports = [] } = verified.registrationInfo.credential;
    const codes = visitor.user.hasSecondFactor ? null : await makeRecoveryCodes(this.#passwords);
    const passkey = { id, userId: visitor.user.id, name: kept, publicKey, counter, transports };
    const createdAt = this.#now();
    try {
      const isFirst = await this.#insert(visitor, passkey, { codes: codes?.kept ?? null, createdAt, actor });
      return { id, name: kept, createdAt, recoveryCodes: isFirst && codes ? codes.texts : null };
    } catch (error) {
      if (!(error instanceof PasskeyTakenError)) throw error;
      throw new AccountError('passkey-taken', 'This passkey is known already.', { cause: error });
    }
  }

  /** Returns whether it is the user's first second factor; with that alone come the codes. */
  #insert(
    { user, sessionId }: PasskeyVisitor,
    passkey: NewPasskey,
    { codes, createdAt, actor }: Addition,
  ): Promise<boolean> {
    return this.#metadata.write([], async (transaction) => {
      const { security } = transaction;
      checkCount(await security.passkeys(user.id));
      const isFirst = !(await hasFactor(security, user.id));
      // The only one was removed since the request came.
      if (isFirst && codes === null) throw notChecked();
      await security.addPasskey(passkey, isFirst ? codes : null, createdAt);
      await this.#audit.noteIn(transaction, 'passkey-added', user.id, actor, { name: passkey.name });
      if (!isFirst) return false;
      await this.#audit.noteIn(transaction, 'second-factor-on', user.id, actor, { by: 'passkey' });
      await endOthersIn(transaction, this.#audit, { userId: user.id, kept: sessionId, actor });
      return true;
    });
  }

  /** For `navigator.credentials.get`. Throws `AccountError` where the user has no passkey. */
  async useOptions(visitor: PasskeyVisitor): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const { rpId } = this.#siteOf(visitor);
    const passkeys = await this.#passkeysOf(visitor.user.id);
    if (passkeys.length === 0) throw new AccountError('no-such-passkey', 'There is no passkey. Enter a code.');
    const options = await (await webauthn()).generateAuthenticationOptions({
      rpID: rpId,
      timeout: CHALLENGE_MS,
      userVerification: 'discouraged',
      allowCredentials: passkeys.map(toDescriptor),
    });
    await this.#putChallenge('get', visitor, options.challenge);
    return options;
  }

  /** Whether the browser has signed the challenge with a passkey of the user's. */
  async verify(visitor: PasskeyVisitor, response: unknown): Promise<PasskeyVerdict> {
    const site = this.#siteOf(visitor);
    const challenge = await this.#takeChallenge('get', visitor);
    const id = (response as { id?: unknown } | null)?.id;
    const passkey = typeof id === 'string' ? await this.#findPasskey(id) : null;
    if (challenge === null || passkey?.userId !== visitor.user.id) return 'wrong';
    const { verifyAuthenticationResponse } = await webauthn();
    const verified = await orNull(() =>
      verifyAuthenticationResponse({
        response: response as AuthenticationResponseJSON,
        expectedChallenge: challenge,
        expectedOrigin: site.origin,
        expectedRPID: site.rpId,
        requireUserVerification: false,
        // The store compares the counter, in the transaction that keeps the new one.
        credential: { id: passkey.id, publicKey: new Uint8Array(passkey.publicKey), counter: 0 },
      }),
    );
    if (!verified?.verified) return 'wrong';
    const { newCounter } = verified.authenticationInfo;
    const isGood = await this.#metadata.write([], ({ security }) =>
      security.usePasskey(passkey.id, newCounter, this.#now()),
    );
    return isGood ? 'good' : 'copied';
  }

  /** Throws `AccountError` for the last second factor, which is switched off as a whole. */
  async remove(userId: UserId, id: string, actor: Actor): Promise<void> {
    await this.#metadata.write([], async (transaction) => {
      const { security } = transaction;
      const passkey = (await security.passkeys(userId)).find((one) => one.id === id);
      const removal = passkey ? await security.removePasskey(userId, id) : 'missing';
      if (!passkey || removal === 'missing') throw new AccountError('no-such-passkey', 'There is no such passkey.');
      if (removal === 'last') {
        const message =
          'This is your only second factor. Add another one first, or switch two-factor authentication off.';
        throw new AccountError('last-second-factor', message);
      }
      await this.#audit.noteIn(transaction, 'passkey-removed', userId, actor, { name: passkey.name });
    });
  }

  #passkeysOf(userId: UserId): Promise<PasskeyRow[]> {
    return this.#metadata.readOne([], ({ security }) => security.passkeys(userId));
  }

  #findPasskey(id: string): Promise<PasskeyRow | null> {
    return this.#metadata.readOne([], ({ security }) => security.findPasskey(id));
  }

  async #verifyNew(visitor: PasskeyVisitor, response: unknown): Promise<VerifiedRegistrationResponse | null> {
    const { origin, rpId } = this.#siteOf(visitor);
    const challenge = await this.#takeChallenge('create', visitor);
    if (challenge === null) return null;
    const { verifyRegistrationResponse } = await webauthn();
    return orNull(() =>
      verifyRegistrationResponse({
        response: response as RegistrationResponseJSON,
        expectedChallenge: challenge,
        expectedOrigin: origin,
        expectedRPID: rpId,
        requireUserVerification: false,
      }),
    );
  }

  #putChallenge(purpose: Purpose, { sessionId }: PasskeyVisitor, text: string): Promise<void> {
    const challenge = { purpose, text, expiresAt: this.#now() + CHALLENGE_MS };
    return this.#metadata.write([], ({ security }) => security.putChallenge(sessionId, challenge));
  }

  /** Good once: an answer that was listened to is of no use. */
  #takeChallenge(purpose: Purpose, { sessionId }: PasskeyVisitor): Promise<string | null> {
    return this.#metadata.write([], ({ security }) => security.takeChallenge(sessionId, purpose, this.#now()));
  }

  /** Browsers tie a passkey to a host name, whatever the port; addresses of numbers have none (WebAuthn §5.1.2). */
  #siteOf({ origin }: PasskeyVisitor): { readonly origin: string; readonly rpId: string } {
    const address = this.#options.publicUrl ?? origin;
    const url = URL.canParse(address) ? new URL(address) : null;
    const host = url?.hostname ?? '';
    if (!url || host === '' || isIP(host.replace(/^\[|\]$/g, '')) !== 0) {
      const message = 'Passkeys need a host name: open the console by one, like http://localhost:8080 or https://…';
      throw new AccountError('no-host-name', message);
    }
    return { origin: url.origin, rpId: host };
  }
}

interface Addition {
  readonly codes: readonly NewRecoveryCode[] | null;
  readonly createdAt: number;
  readonly actor: Actor;
}

function checkCount(passkeys: readonly PasskeyRow[]): void {
  if (passkeys.length < PASSKEYS_MAX) return;
  throw new AccountError('invalid-number', `There are ${PASSKEYS_MAX} passkeys already; remove one first.`);
}

function notChecked(): AccountError {
  return new AccountError('wrong-code', 'This passkey could not be checked. Begin again.');
}

type Purpose = PasskeyChallenge['purpose'];

function toDescriptor({ id, transports }: PasskeyRow): { id: string; transports: Transports } {
  return { id, transports: [...transports] };
}

/** What is wrong with an answer comes as an exception of the library's, and so does one of another shape. */
async function orNull<T>(verify: () => Promise<T>): Promise<T | null> {
  try {
    return await verify();
  } catch {
    return null;
  }
}
