import { spawn } from 'node:child_process';

export interface ProgramOptions {
  /** Written to standard input, which is then closed; nothing by default. */
  input?: string;
  /** Added to this process's environment. */
  environment?: Record<string, string>;
  folder?: string;
  /** The program is killed after this time and the run fails; 120 by default. */
  timeoutSeconds?: number;
}

export interface ProgramResult {
  code: number;
  output: string;
  errors: string;
}

/** Runs a program to its end. A non-zero exit code is a value; a program that can't start or doesn't end throws. */
export async function runProgram(
  program: string,
  parameters: string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { input = '', environment = {}, folder, timeoutSeconds = 120 } = options;
  const child = spawn(program, parameters, { cwd: folder, env: { ...process.env, ...environment } });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  // A program that exits without reading its input closes the pipe: its exit code tells what happened.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const read = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${describe()} did not end within ${timeoutSeconds} s:\n${read(output)}${read(errors)}`));
    }, timeoutSeconds * 1000);
    const describe = () => `${program} ${parameters.join(' ')}`;
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new Error(`${program} could not start`, { cause }));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, output: read(output), errors: read(errors) });
    });
  });
}

/** Runs a program that must succeed; returns its standard output. */
export async function mustRun(program: string, parameters: string[], options: ProgramOptions = {}): Promise<string> {
  const result = await runProgram(program, parameters, options);
  if (result.code === 0) return result.output;
  throw new Error(
    `${program} ${parameters.join(' ')} ended with exit code ${result.code}:\n${result.output}${result.errors}`,
  );
}

/** Asks again every 50 ms until the answer is true; throws after the time limit. */
export async function waitUntil(
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeoutSeconds = 20,
): Promise<void> {
  const end = Date.now() + timeoutSeconds * 1000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${timeoutSeconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
