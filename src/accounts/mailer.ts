export interface MailerOptions {
  /** `smtps://user:password@host`, or `smtp://` without TLS at first. Its password is for the mail server alone. */
  readonly smtpUrl: string;
  /** Like `Firn <firn@example.org>`. */
  readonly mailFrom: string;
  /** Is told of what could not be sent; without secrets. */
  readonly onFailure: (failure: MailFailure) => void;
}

export interface MailFailure {
  readonly code: string;
  /** What the mail server said it with. */
  readonly status: number | null;
  readonly reason: string;
}

export interface Mail {
  readonly to: { readonly name: string; readonly address: string };
  readonly subject: string;
  readonly text: string;
}

const SMTPS_PORT = 465;
const SUBMISSION_PORT = 587;
/** Connections to the mail server at once. */
const PARALLEL = 4;
const CONNECT_MS = 10_000;
const SILENCE_MS = 30_000;
/** Failures of one mail alone; after any other the mail server is asked no more. */
const FAILURES_OF_ONE = new Set(['EENVELOPE', 'EMESSAGE']);

/** Sends mails by a mail server that the operator names. */
export class Mailer {
  readonly #options: MailerOptions;

  constructor(options: MailerOptions) {
    this.#options = options;
  }

  /** Returns how many the mail server took; never rejects because of it. One that is out of reach is asked once, not for each. */
  async send(mails: readonly Mail[]): Promise<number> {
    if (mails.length === 0) return 0;
    // Loaded when there is something to send: it takes 15 MB.
    const { createTransport } = await import('nodemailer');
    const transport = createTransport({ ...transportOf(this.#options.smtpUrl), pool: true, maxConnections: PARALLEL });
    let sent = 0;
    let next = 0;
    const sendOn = async () => {
      while (next < mails.length) {
        const mail = mails[next++]!;
        try {
          await transport.sendMail({ from: this.#options.mailFrom, ...mail, to: { ...mail.to } });
          sent++;
        } catch (error) {
          const failure = describeFailure(error);
          this.#options.onFailure(failure);
          if (!FAILURES_OF_ONE.has(failure.code)) next = mails.length;
        }
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(PARALLEL, mails.length) }, sendOn));
    } finally {
      transport.close();
    }
    return sent;
  }
}

/** A password never travels without TLS: over `smtp:` the mail server then has to offer STARTTLS. */
function transportOf(smtpUrl: string) {
  const { protocol, hostname, port, username, password } = new URL(smtpUrl);
  const secure = protocol === 'smtps:';
  const auth = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? SMTPS_PORT : SUBMISSION_PORT) : Number(port),
    secure,
    requireTLS: !secure && username !== '',
    ...(username === '' ? {} : { auth }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // Nothing is to be read from files or addresses that a text happens to name.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** What a mail server says on a sign-in may repeat what it was given. */
function describeFailure(error: unknown): MailFailure {
  const { code = 'unknown', responseCode = null, message } = error as Error & { code?: string; responseCode?: number };
  const reason = code === 'EAUTH' ? 'the mail server refused the user or the password of smtpUrl' : message;
  return { code, status: responseCode, reason };
}
