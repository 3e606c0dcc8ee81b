import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { Accounts } from '../../src/accounts/accounts.js';
import { Audit } from '../../src/accounts/audit.js';
import { Passwords } from '../../src/accounts/passwords.js';
import { openEngines } from '../../src/engines/open-engines.js';
import { type ProgramResult, runProgram } from '../support/run-program.js';
import { inFolder } from '../support/storage-config.js';

export const PROGRAM = fileURLToPath(new URL('../../bin/firn.js', import.meta.url));

/** Builds dist/ where it is stale: the tests run the command that operators run. */
export async function buildFirn(): Promise<void> {
  const program = new URL('../../scripts/prepare.js', import.meta.url).href;
  const { ensureBuild } = (await import(program)) as { ensureBuild: () => void };
  ensureBuild();
}

type AtEnd = (remove: () => Promise<void>) => void;

/** A storage of its own, and `firn` on it. `atEnd` takes what removes it. */
export async function makeStorage(atEnd: AtEnd = onTestFinished) {
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

/** The same with the users anna@x and ben@x, and their drive Team. */
export async function makeTeam(atEnd?: AtEnd) {
  const storage = await makeStorage(atEnd);
  const engines = await openEngines(inFolder(storage.storage), { mayMake: true });
  const accounts = new Accounts(engines.metadata, new Passwords(), {
    uploadMaxBytes: 100e9,
    audit: new Audit(engines.metadata),
  });
  for (const email of ['anna@x', 'ben@x']) {
    await accounts.createUser({ email, name: null, password: `seven green lamps of ${email}`, isAdmin: false });
  }
  const limits = { quotaBytes: null, uploadMaxBytes: null };
  const { id } = await accounts.createDrive({ id: null, name: 'Team', ownerEmail: 'anna@x', ...limits });
  await accounts.putMember(id, 'ben@x', {});
  await engines.close();
  return { ...storage, id: `${id}` };
}
