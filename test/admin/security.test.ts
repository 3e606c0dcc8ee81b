import { describe, expect, it } from 'vitest';
import { makeStorage } from './firn.js';

interface Record {
  readonly kind: string;
  readonly user: string | null;
  readonly actor: string;
  readonly details: object;
}

describe('firn audit', () => {
  it('shows what happened to accounts, the latest first, of one user or kind; and no secret', async () => {
    const { run, json } = await makeStorage();
    const password = 'quiet lamps under snow';
    await run(['user', 'create', 'anna@x', '--admin', '--password-stdin'], `${password}\n`);
    await run(['user', 'create', 'bert@x', '--password-stdin'], `${password}\n`);
    await run(['drive', 'create', 'Team', '--owner', 'anna@x', '--id', '123456']);
    const secret = (await run(['app-password', 'create', 'anna@x', 'rclone on the NAS'])).output.trim();
    await run(['app-password', 'revoke-all', 'anna@x']);
    const records = (await json('audit')) as Record[];
    expect(records.map(({ kind, user, actor }) => [kind, user, actor])).toEqual([
      ['app-password-revoked', 'anna@x', 'operator'],
      ['app-password-made', 'anna@x', 'operator'],
      ['drive-made', 'anna@x', 'operator'],
      ['user-made', 'bert@x', 'operator'],
      ['user-made', 'anna@x', 'operator'],
    ]);
    expect(records[1]!.details).toEqual({ number: 1, name: 'rclone on the NAS', drive: null, allowance: 'full' });
    expect(await json('audit', '--user', 'bert@x')).toHaveLength(1);
    expect(await json('audit', '--kind', 'user-made', '--limit', '1')).toMatchObject([{ user: 'bert@x' }]);
    const { output } = await run(['audit']);
    expect(output).toContain('app-password-made');
    for (const text of [password, secret]) expect(output + JSON.stringify(records)).not.toContain(text);
    expect((await run(['audit', '--kind', 'gossip'])).errors).toMatch(
      /^error: There is no kind "gossip"; there are sign-in, .*\n$/,
    );
  });
});

describe('PRODUCT S3, S4 — firn user reset-2fa and require-2fa', () => {
  it('reset-2fa says so where there is nothing to reset; require-2fa is in the log', async () => {
    const { run, json } = await makeStorage();
    await run(['user', 'create', 'anna@x']);
    const nothing = await run(['user', 'reset-2fa', 'anna@x']);
    expect(nothing).toMatchObject({ code: 1, errors: 'error: anna@x has no two-factor authentication.\n' });
    expect(await json('user', 'require-2fa', 'on')).toEqual({ isRequired: true });
    expect(await json('user', 'require-2fa', 'off')).toEqual({ isRequired: false });
    expect((await run(['user', 'require-2fa', 'maybe'])).code).toBe(2);
    const records = (await json('audit', '--kind', 'second-factor-rule')) as Record[];
    expect(records.map(({ details }) => details)).toEqual([{ isRequired: false }, { isRequired: true }]);
  });
});
