import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type afterAll, onTestFinished } from 'vitest';
import { type ProgramResult, runProgram } from '../support/run-program.js';

const PROGRAM = fileURLToPath(new URL('../../bin/firn.js', import.meta.url));

/** Builds dist/ where it is stale: the tests run the command that operators run. */
export async function buildFirn(): Promise<void> {
  const program = new URL('../../scripts/prepare.js', import.meta.url).href;
  const { ensureBuild } = (await import(program)) as { ensureBuild: () => void };
  //TMP ensureBuild();
}

/** A storage of its own, and `firn` on it. `atEnd` takes what removes it. */
export async function makeStorage(atEnd: typeof afterAll = onTestFinished) {
  const storage = await mkdtemp(join(tmpdir(), 'firn-admin-'));
  atEnd(() => rm(storage, { recursive: true, force: true }));
  const environment = { FIRN_STORAGE: storage };
  const run = (words: string[], input?: string): Promise<ProgramResult> =>
    runProgram(process.execPath, [PROGRAM, ...words], { environment, folder: storage, ...(input && { input }) });
  return {
    storage,
    run,
    /** Must succeed; gives standard output without the line's end. */
    firn: async (...words: string[]) => {
      const result = await run(words);
      if (result.code !== 0) throw new Error(`firn ${words.join(' ')}: ${result.errors}`);
      return result.output.trimEnd();
    },
    json: async (...words: string[]) => {
      const result = await run([...words, '--json']);
      if (result.code !== 0) throw new Error(`firn ${words.join(' ')}: ${result.errors}`);
      return JSON.parse(result.output);
    },
  };
}

/** The same with the users anna and ben, and a drive of theirs. */
export async function makeTeam(atEnd?: typeof afterAll) {
  const storage = await makeStorage(atEnd);
  for (const name of ['anna', 'ben']) {
    const made = await storage.run(
      ['user', 'create', `${name}@x`, '--password-stdin'],
      `seven green lamps of ${name}\n`,
    );
    if (made.code !== 0) throw new Error(made.errors);
  }
  const id = await storage.firn('drive', 'create', 'Team', '--owner', 'anna@x');
  await storage.firn('drive', 'add-member', id, 'ben@x');
  return { ...storage, id };
}
