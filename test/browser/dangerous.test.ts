import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DRIVE_ID, emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { findIssues, signIn, startBrowser, type Visitor, visit } from './browser.js';

/** Where SCREENSHOTS names a folder, each question is left there as a picture. */
const { SCREENSHOTS } = process.env;
const ADMIN = { email: emailOf('ada'), name: 'Ada', password: PASSWORD, isAdmin: true };

/** Each is asked twice and looked at in two themes. */
const FIVE_QUESTIONS_MS = 180_000;

let server: TestServer;
let browser: Browser;
let visitor: Visitor;
let page: Page;
/** Each request that could have changed something. */
let changes: string[];

beforeAll(async () => {
  server = await TestServer.start();
  await server.accounts.createUser(ADMIN);
  await server.addMember('ada', { role: 'manager' });
  await server.addMember('bob');
  browser = await startBrowser();
  if (SCREENSHOTS) await mkdir(SCREENSHOTS, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});
beforeEach(async () => {
  visitor = await visit(browser, `http://127.0.0.1:${server.port}`);
  page = visitor.page;
  await signIn(page, ADMIN.email, PASSWORD);
  await page.getByRole('grid').waitFor();
  changes = [];
  page.on('request', (request) => {
    if (request.method() !== 'GET') changes.push(`${request.method()} ${new URL(request.url()).pathname}`);
  });
});
afterEach(async () => {
  expect(visitor.defects).toEqual([]);
  await visitor.context.close();
});

const button = (name: string) => page.getByRole('button', { name, exact: true });
const dialog = () => page.getByRole('dialog');
const go = async (link: string) => {
  await page.getByRole('link', { name: link, exact: true }).click();
  await page.getByRole('heading', { name: link, level: 1 }).waitFor();
};
const memberRole = async (name: string) => {
  const user = await server.stores.accounts.findUser(emailOf(name));
  return (await server.stores.accounts.drivesOf(user!.id)).find(({ id }) => id === DRIVE_ID)?.role;
};
const actionOf = async (name: string, action: string) => {
  await button(`Actions for ${emailOf(name)}`).click();
  await page.getByRole('menuitem', { name: action }).click();
};

/** The question, as it is seen and read; a no changes nothing, a yes is what `yes` says. */
async function answer(title: string | RegExp, text: RegExp, yes: string, ask: () => Promise<void>): Promise<void> {
  for (const isYes of [false, true]) {
    await ask();
    await dialog().getByRole('heading', { name: title }).waitFor();
    expect(await dialog().textContent()).toMatch(text);
    expect(changes, 'nothing happens before the yes').toEqual([]);
    if (!isYes) expect(await findIssues(page)).toEqual([]);
    if (!isYes && SCREENSHOTS) await page.screenshot({ path: path.join(SCREENSHOTS, `question-${yes}.png`) });
    await page.keyboard.press('Enter');
    expect(changes, 'Enter alone is no yes').toEqual([]);
    if (!isYes) await dialog().getByRole('button', { name: 'Cancel' }).click();
    else await dialog().getByRole('button', { name: yes, exact: true }).click();
    await dialog().waitFor({ state: 'detached' });
    expect(changes.length > 0, `${yes}: ${changes}`).toBe(isYes);
  }
  changes = [];
}

describe('console B2 — what shuts somebody out or can’t be taken back asks first', () => {
  test(
    'console B2 — users: administrator or not, disabled, second factors away, all asked',
    async () => {
      await go('Users');
      await answer(/bob@.* an administrator\?/, /users, drives and rules/, 'Make administrator', () =>
        actionOf('bob', 'Make administrator'),
      );
      await answer(/Take the administration from bob@/, /out of reach/, 'No longer administrator', () =>
        actionOf('bob', 'No longer administrator'),
      );
      await answer(/Disable bob@/, /until you enable it again/, 'Disable', () => actionOf('bob', 'Disable'));
      expect((await server.as('bob')('PROPFIND', '/')).status).toBe(401);
      await actionOf('bob', 'Enable');
      await page.getByText('can sign in again', { exact: false }).waitFor();
      expect((await server.as('bob')('PROPFIND', '/')).status).toBe(207);
      changes = [];
      await server.turnOnTotp((await server.stores.accounts.findUser(emailOf('bob')))!);
      await page.reload();
      await answer(/Reset the two-factor authentication of bob@/, /password alone/, 'Reset two-factor', () =>
        actionOf('bob', 'Reset two-factor'),
      );
      await answer('Ask 3 users?', /by mail/, 'Ask them', () => button('Ask all who have none').click());
    },
    FIVE_QUESTIONS_MS,
  );

  test('console B2 — a member is removed only when that is meant', async () => {
    await server.addMember('bob', { role: 'viewer' });
    await go('Drives');
    await button('3 members').click();
    await button(`Remove ${emailOf('bob')}`).click();
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Cancel');
    await page.keyboard.press('Enter');
    expect([changes, await memberRole('bob')]).toEqual([[], 'viewer']);
    await button(`Remove ${emailOf('bob')}`).click();
    expect(await findIssues(page)).toEqual([]);
    await button('Remove').click();
    await page.getByText('is no longer a member', { exact: false }).waitFor();
    expect(await memberRole('bob')).toBeUndefined();
    await expect.poll(() => page.evaluate('document.activeElement.role')).toBe('dialog');
  });

  test('console B2 — app passwords and browsers of one’s own', async () => {
    await server.addAppPassword('ada');
    const other = await visit(browser, `http://127.0.0.1:${server.port}`);
    await signIn(other.page, ADMIN.email, PASSWORD);
    await other.page.getByRole('grid').waitFor();
    await other.context.close();
    await go('App passwords');
    await answer('Revoke “a device”?', /refused from its next request/, 'Revoke', () =>
      button('Revoke a device').click(),
    );
    await go('Security');
    await answer(/Sign out .*other browser/, /sign in again/, 'Sign out all others', () =>
      button('Sign out all others').click(),
    );
  });

  test('console B2 — “Require it of everyone” says of how many, and that the administrator is one of them', async () => {
    await server.addMember('bob');
    await go('Users');
    const ask = () => button('Require it of everyone').click();
    await ask();
    expect(await dialog().textContent()).toMatch(/3 users have no second factor.*You are one of them/);
    await button('Cancel').click();
    expect(await server.stores.security.isSecondFactorRequired()).toBe(false);
    await answer(/of everyone\?/, /You are one of them/, 'Require it of everyone', ask);
    await page.getByRole('heading', { name: 'Protect your account first' }).waitFor();
    expect(await button('Undo').count(), 'no Undo is offered that the server would refuse').toBe(0);
    await server.stores.security.requireSecondFactor(false);
  });
});

describe('console B3 — no arrow key writes', () => {
  test('console B3 — a drive’s members open without the focus on a role, and a role is written by Save alone', async () => {
    await server.addMember('bob', { role: 'viewer' });
    await go('Drives');
    await button('3 members').click();
    await expect.poll(() => page.evaluate('document.activeElement.role')).toBe('dialog');
    await page.keyboard.press('ArrowDown');
    const role = page.getByLabel(`Role: ${emailOf('bob')}`);
    await role.focus();
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => role.inputValue()).toBe('member');
    expect(changes).toEqual([]);
    await button('Cancel').click();
    await expect.poll(() => role.inputValue()).toBe('viewer');
    await page.keyboard.press('ArrowUp');
    expect(await findIssues(page)).toEqual([]);
    if (SCREENSHOTS) await page.screenshot({ path: path.join(SCREENSHOTS, 'members.png') });
    await button('Save').click();
    await page.getByText('bob@example.org: Member.').waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('SELECT');
    expect(changes).toEqual([`PUT /api/admin/drives/${DRIVE_ID}/members/bob%40example.org`]);
    expect([await memberRole('bob'), await memberRole('ada'), await memberRole('alice')]).toEqual([
      'member',
      'manager',
      'manager',
    ]);
  });
});
