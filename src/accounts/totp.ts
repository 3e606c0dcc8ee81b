import { Secret, TOTP } from 'otpauth';

/** RFC 6238, as every authenticator has it: SHA-1, six digits, a new code each 30 s. */
const PERIOD_SECONDS = 30;
const DIGITS = 6;
/** Codes of the step before and after count: clocks differ, and people type slowly. */
const WINDOW = 1;
const SECRET_BYTES = 20;

/** A secret in base32, as people type it where they can't scan. */
export function makeTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32;
}

/** The `otpauth:` URI of the QR code. */
export function totpUri(secret: string, email: string, issuer: string): string {
  return makeTotp(secret, { label: email, issuer }).toString();
}

/** The step that a code is of, null for a wrong one. `now` in milliseconds since 1970. */
export function findTotpStep(secret: string, code: string, now: number): number | null {
  const token = code.replace(/\s+/g, '');
  if (!/^\d{6}$/.test(token)) return null;
  const delta = makeTotp(secret).validate({ token, timestamp: now, window: WINDOW });
  return delta === null ? null : Math.floor(now / 1000 / PERIOD_SECONDS) + delta;
}

/** The code of a moment. */
export function totpCode(secret: string, now: number): string {
  return makeTotp(secret).generate({ timestamp: now });
}

function makeTotp(secret: string, names: { label?: string; issuer?: string } = {}): TOTP {
  return new TOTP({
    ...names,
    algorithm: 'SHA1',
    digits: DIGITS,
    period: PERIOD_SECONDS,
    secret: Secret.fromBase32(secret),
  });
}
