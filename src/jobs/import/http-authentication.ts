import { createHash, randomBytes } from 'node:crypto';

export interface SourceLogin {
  readonly user: string;
  readonly password: string;
}

/** A list of challenges has some hundred characters; a longer one is not looked at. */
const CHALLENGE_MAX = 4096;
/** A field of a challenge, where it begins; each character is looked at once, or twice. */
const FIELD = /([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/iy;
const REST_OF_WORD = /[^\s,]*[\s,]*/y;

/** Answers the challenges of a source: Basic (RFC 7617), Digest with MD5 and SHA-256 (RFC 7616). */
export class HttpAuthentication {
  readonly #login: SourceLogin;
  #digest: Record<string, string> | null = null;
  #count = 0;

  constructor(login: SourceLogin) {
    this.#login = login;
  }

  /** Whether the source has asked for Digest. */
  get isChosen(): boolean {
    return this.#digest !== null;
  }

  /** Basic until the source has asked for something else. `target`: path and query as they are sent. */
  header(method: string, target: string): string {
    if (this.#digest) return this.#digestHeader(method, target, this.#digest);
    return `Basic ${Buffer.from(`${this.#login.user}:${this.#login.password}`).toString('base64')}`;
  }

  /**
   * Takes the challenge of a 401. `new`: another try may do, with a Digest that is new or has another nonce. `stale`: the
   * source says that the password was right. Null: no use.
   */
  take(challenge: string): 'new' | 'stale' | null {
    if (challenge.length > CHALLENGE_MAX) return null;
    const found = /(?:^|,\s*)digest\s+(.*)$/is.exec(challenge)?.[1];
    if (found === undefined) return null;
    const fields = fieldsOf(found);
    const isNew = fields.nonce !== this.#digest?.nonce;
    if (!isNew || fields.nonce === undefined || hashName(fields.algorithm) === null) return null;
    this.#digest = fields;
    this.#count = 0;
    return fields.stale?.toLowerCase() === 'true' ? 'stale' : 'new';
  }

  #digestHeader(method: string, target: string, fields: Record<string, string>): string {
    const { realm = '', nonce = '', opaque, algorithm } = fields;
    const name = hashName(algorithm)!;
    const hash = (text: string) => createHash(name).update(text).digest('hex');
    const { user, password } = this.#login;
    const own = randomBytes(8).toString('hex');
    const count = (++this.#count).toString(16).padStart(8, '0');
    const hasQop = fields.qop?.split(',').some((qop) => qop.trim() === 'auth') ?? false;
    let secret = hash(`${user}:${realm}:${password}`);
    if (algorithm?.toLowerCase().endsWith('-sess')) secret = hash(`${secret}:${nonce}:${own}`);
    const request = hash(`${method}:${target}`);
    const middle = hasQop ? `${nonce}:${count}:${own}:auth` : nonce;
    const parts = [
      usernameField(user),
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      `uri=${quote(target)}`,
      `response="${hash(`${secret}:${middle}:${request}`)}"`,
    ];
    if (algorithm !== undefined) parts.push(`algorithm=${algorithm}`);
    if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
    if (hasQop) parts.push('qop=auth', `nc=${count}`, `cnonce="${own}"`);
    return `Digest ${parts.join(', ')}`;
  }
}

function fieldsOf(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at < text.length; ) {
    FIELD.lastIndex = at;
    const [, name, quoted, plain] = FIELD.exec(text) ?? [];
    if (name !== undefined) fields[name.toLowerCase()] ??= (quoted ?? plain ?? '').replace(/\\(.)/g, '$1');
    REST_OF_WORD.lastIndex = name === undefined ? at : FIELD.lastIndex;
    REST_OF_WORD.exec(text);
    at = REST_OF_WORD.lastIndex;
  }
  return fields;
}

/** RFC 7616 §3.4: a name that no quoted string can hold is written as RFC 8187 has it. */
function usernameField(user: string): string {
  if (/^[\x20-\x7e]*$/.test(user)) return `username=${quote(user)}`;
  const encoded = encodeURIComponent(user).replace(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
  return `username*=UTF-8''${encoded}`;
}

function hashName(algorithm: string | undefined): 'md5' | 'sha256' | null {
  const name = (algorithm ?? 'MD5').toLowerCase().replace(/-sess$/, '');
  return name === 'md5' ? 'md5' : name === 'sha-256' ? 'sha256' : null;
}

function quote(text: string): string {
  return `"${text.replace(/(["\\])/g, '\\$1')}"`;
}
