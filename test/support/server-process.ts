import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { undoAtExit } from './at-exit.js';

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const bootTimeoutSeconds = 60;
const stopTimeoutSeconds = 30;
const logBytesMax = 1_000_000;

/** `node dist/main.js` with an environment, over all its runs. */
export class ServerProcess {
  #child: ChildProcess | undefined;
  #log = '';
  #ended: Promise<number | null> = Promise.resolve(0);
  readonly #environment: Record<string, string>;
  readonly #onLog: (text: string) => void;
  url = '';

  constructor(environment: Record<string, string>, onLog: (text: string) => void = () => {}) {
    this.#environment = environment;
    this.#onLog = onLog;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the server does not run');
    return pid;
  }

  get log(): string {
    return this.#log;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [path.join(root, 'dist', 'main.js')], {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    // A test run that is broken off leaves no server behind.
    child.once(
      'exit',
      undoAtExit(() => child.kill('SIGKILL')),
    );
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code) => {
        if (this.#child === child) this.#child = undefined;
        resolve(code);
      });
    });
    try {
      this.url = await this.#listeningUrl(child);
    } catch (cause) {
      child.kill('SIGKILL');
      throw cause;
    }
  }

  /** The first `listening on URL` of this run, without a slash at the end. */
  #listeningUrl(child: ChildProcess): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (what: string) => reject(new Error(`the server ${what}:\n${this.#log}`));
      const timer = setTimeout(() => fail(`did not listen within ${bootTimeoutSeconds} s`), bootTimeoutSeconds * 1000);
      let seen = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        this.#keepLog(chunk);
        if (seen === 'done') return;
        seen += chunk.toString('utf8');
        const url = /listening on (http\S+?)\/?\s/.exec(seen)?.[1];
        if (url === undefined) return;
        seen = 'done';
        clearTimeout(timer);
        resolve(url);
      });
      child.stderr?.on('data', (chunk: Buffer) => this.#keepLog(chunk));
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`ended (${code ?? signal}) before it listened`);
      });
    });
  }

  #keepLog(chunk: Buffer): void {
    const text = chunk.toString('utf8');
    this.#log = (this.#log + text).slice(-logBytesMax);
    this.#onLog(text);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    let isKilled = false;
    const timer = setTimeout(() => {
      isKilled = true;
      child.kill('SIGKILL');
    }, stopTimeoutSeconds * 1000);
    child.kill('SIGTERM');
    const code = await this.#ended;
    clearTimeout(timer);
    if (isKilled) throw new Error(`SIGTERM did not end the server within ${stopTimeoutSeconds} s:\n${this.#log}`);
    if (code !== 0) throw new Error(`SIGTERM ended the server with exit code ${code}:\n${this.#log}`);
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  async ended(): Promise<void> {
    await this.#ended;
  }
}
