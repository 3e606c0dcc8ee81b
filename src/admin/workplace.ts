import { Command } from 'commander';
import { readConfig } from '../config.js';
import { openParts, type Parts } from '../parts.js';
import { CommandError } from './command-error.js';

/** Options that every command has. */
export interface OutputOptions {
  readonly json?: boolean;
}

interface WorkOptions {
  /** Makes the storage where there is none; else a wrong FIRN_STORAGE shows. */
  readonly mayMake?: boolean;
}

/** A command that works on the storage, also beside a running server. It prints JSON where that is asked for. */
export class WorkCommand extends Command {
  /** `work` is called with what is open for the time of the command, the command's arguments and its options. */
  works<Words extends readonly unknown[]>(
    example: string | readonly string[],
    work: (parts: Parts, ...words: Words) => Promise<void>,
    options: WorkOptions = {},
  ): this {
    const lines = [example].flat().map((line) => `\n  $ ${line}`);
    return this.option('--json', 'print JSON')
      .addHelpText('after', `\n${lines.length > 1 ? 'Examples' : 'Example'}:${lines.join('')}`)
      .action(async (...words: unknown[]) => {
        const config = readConfig();
        const parts = await openParts(config, { ...options, isCommand: true });
        try {
          if (parts.engines.isNew) remark(`A new storage is made in ${config.storage}.`);
          await work(parts, ...(words as unknown as Words));
        } finally {
          await parts.close();
        }
      });
  }
}

/** The result, on standard output: as JSON where that was asked for, else the text, if there is one. */
export function print(options: OutputOptions, result: unknown, text: string): void {
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else if (text !== '') process.stdout.write(`${text}\n`);
}

/** A remark for people, on standard error, so that scripts get the result alone. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The password on standard input, up to the end of its first line. */
export async function readPassword(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const [line = ''] = Buffer.concat(chunks).toString('utf8').split(/\r?\n/, 1);
  if (line === '') throw new CommandError('There is no password on standard input; pipe one line into the command.');
  return line;
}

export function toIso(time: number): string {
  return new Date(time).toISOString();
}

/** For lists: the day and the minute, in UTC. */
export function toMinute(time: number | null): string {
  return time === null ? '-' : toIso(time).slice(0, 16).replace('T', ' ');
}
