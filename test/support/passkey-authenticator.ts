import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';

/** WebAuthn §6.1: somebody was there; their finger was looked at; a new key comes along. */
const PRESENT = 0x01;
const VERIFIED = 0x04;
const WITH_KEY = 0x40;
/** RFC 9053: ECDSA with P-256 and SHA-256. */
const ES256 = -7;

export interface Lie {
  /** Where the page claims to be from. */
  readonly origin?: string;
  readonly challenge?: string;
  readonly rpId?: string;
}

/** A security key and the browser around it: real keys, 'none' attestations, signatures over what WebAuthn says. */
export class PasskeyAuthenticator {
  readonly id = randomBytes(32).toString('base64url');
  readonly #origin: string;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  /** Counts uses; null: the key has no counter, and says 0 each time. */
  counter: number | null;

  constructor(origin: string, options: { readonly hasCounter?: boolean } = {}) {
    this.#origin = origin;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
    this.counter = (options.hasCounter ?? true) ? 0 : null;
  }

  /** What `startRegistration` gives. */
  create(options: PublicKeyCredentialCreationOptionsJSON, lie: Lie = {}): RegistrationResponseJSON {
    const idBytes = Buffer.from(this.id, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(idBytes.length);
    const credential = Buffer.concat([Buffer.alloc(16), length, idBytes, this.#coseKey()]);
    const authData = Buffer.concat([this.#head(lie.rpId ?? options.rp.id!, PRESENT | VERIFIED | WITH_KEY), credential]);
    const attestation = cborMap([
      [cborText('fmt'), cborText('none')],
      [cborText('attStmt'), cborMap([])],
      [cborText('authData'), cborBytes(authData)],
    ]);
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      response: {
        clientDataJSON: this.#clientData('webauthn.create', options.challenge, lie).toString('base64url'),
        attestationObject: attestation.toString('base64url'),
        transports: ['usb'],
      },
      clientExtensionResults: {},
    };
  }

  /** What `startAuthentication` gives. */
  sign(options: PublicKeyCredentialRequestOptionsJSON, lie: Lie = {}): AuthenticationResponseJSON {
    if (this.counter !== null) this.counter++;
    const clientData = this.#clientData('webauthn.get', options.challenge, lie);
    const authData = this.#head(lie.rpId ?? options.rpId!, PRESENT);
    const signer = createSign('sha256').update(authData).update(createHash('sha256').update(clientData).digest());
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      response: {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: signer.sign(this.#privateKey).toString('base64url'),
      },
      clientExtensionResults: {},
    };
  }

  #clientData(type: string, challenge: string, lie: Lie): Buffer {
    const { origin = this.#origin } = lie;
    return Buffer.from(JSON.stringify({ type, challenge: lie.challenge ?? challenge, origin, crossOrigin: false }));
  }

  #head(rpId: string, flags: number): Buffer {
    const rest = Buffer.alloc(5);
    rest.writeUInt8(flags);
    rest.writeUInt32BE(this.counter ?? 0, 1);
    return Buffer.concat([createHash('sha256').update(rpId).digest(), rest]);
  }

  /** RFC 9052 §7, RFC 9053 §7.1.1: kind EC2, algorithm, curve P-256, x, y. */
  #coseKey(): Buffer {
    const { x, y } = this.#publicKey.export({ format: 'jwk' });
    return cborMap([
      [cborInteger(1), cborInteger(2)],
      [cborInteger(3), cborInteger(ES256)],
      [cborInteger(-1), cborInteger(1)],
      [cborInteger(-2), cborBytes(Buffer.from(x!, 'base64url'))],
      [cborInteger(-3), cborBytes(Buffer.from(y!, 'base64url'))],
    ]);
  }
}

/** RFC 8949 §3: the kind in the upper three bits, then the number, or how many bytes it takes. */
function cborHead(kind: number, number: number): Buffer {
  if (number < 24) return Buffer.from([(kind << 5) | number]);
  if (number < 0x100) return Buffer.from([(kind << 5) | 24, number]);
  return Buffer.from([(kind << 5) | 25, number >> 8, number & 0xff]);
}

function cborInteger(value: number): Buffer {
  return value >= 0 ? cborHead(0, value) : cborHead(1, -1 - value);
}

function cborBytes(bytes: Uint8Array): Buffer {
  return Buffer.concat([cborHead(2, bytes.length), bytes]);
}

function cborText(text: string): Buffer {
  return Buffer.concat([cborHead(3, Buffer.byteLength(text)), Buffer.from(text)]);
}

function cborMap(pairs: readonly (readonly [Buffer, Buffer])[]): Buffer {
  return Buffer.concat([cborHead(5, pairs.length), ...pairs.flat()]);
}
