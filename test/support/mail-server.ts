import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { ThrowawayCa } from './throwaway-ca.js';

export const MAIL_USER = 'firn';
/** With what has to be encoded in an address. */
export const MAIL_PASSWORD = 'p@ss/word:% 7';

export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** With its head. */
  readonly text: string;
  readonly isSecure: boolean;
  /** Who signed in. */
  readonly user: string | null;
}

/** A real mail server on loopback. */
export class MailServer {
  readonly #server: SMTPServer;
  readonly mails: TakenMail[] = [];
  /** Connections that were made. */
  connections = 0;

  private constructor(options: SMTPServerOptions, refused: readonly string[]) {
    this.#server = new SMTPServer({
      ...options,
      onConnect: (_session, callback) => {
        this.connections++;
        callback();
      },
      onAuth: ({ username, password }, _session, callback) => {
        if (username === MAIL_USER && password === MAIL_PASSWORD) callback(null, { user: username });
        else callback(new Error(`Authentication failed: ${username} ${password}`));
      },
      onRcptTo: ({ address }, _session, callback) =>
        callback(refused.includes(address) ? Object.assign(new Error('No such user'), { responseCode: 550 }) : null),
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          this.mails.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            // Long lines are broken where nobody sees it (RFC 2045 §6.7).
            text: Buffer.concat(chunks).toString('utf8').replaceAll('=\r\n', ''),
            isSecure: session.secure,
            user: typeof session.user === 'string' ? session.user : null,
          });
          callback();
        });
      },
    });
    // A client that doesn't trust the certificate, or is gone: the test sees that by its mails.
    this.#server.on('error', () => {});
  }

  /** Without `ca` it has neither TLS nor users. */
  static async start(
    options: {
      readonly ca?: ThrowawayCa;
      readonly mode?: 'smtps' | 'starttls';
      readonly refused?: readonly string[];
    } = {},
  ): Promise<MailServer> {
    const { ca, mode = 'smtps', refused = [] } = options;
    const settings: SMTPServerOptions = ca
      ? { secure: mode === 'smtps', key: await readFile(ca.keyFile), cert: await readFile(ca.certificateFile) }
      : { disabledCommands: ['STARTTLS', 'AUTH'], authOptional: true };
    const server = new MailServer({ ...settings, logger: false }, refused);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** `smtps://user:password@127.0.0.1:PORT`. */
export function mailServerUrl(
  port: number,
  options: { readonly scheme?: 'smtp' | 'smtps'; readonly user?: string; readonly password?: string } = {},
): string {
  const { scheme = 'smtps', user = MAIL_USER, password = MAIL_PASSWORD } = options;
  const sign = user === '' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  return `${scheme}://${sign}127.0.0.1:${port}`;
}
