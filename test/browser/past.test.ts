import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { findIssues, signIn, startBrowser, type Visitor, visit } from './browser.js';

let server: TestServer;
let browser: Browser;
let visitor: Visitor;
let page: Page;
/** As the field for a moment has it. */
let moment: string;
beforeAll(async () => {
  server = await TestServer.start();
  const alice = server.as('alice');
  const { authorization } = await server.addAppPassword('alice');
  const device = server.as(authorization);
  await server.addMember('bob');
  await alice('MKCOL', '/Common%20documents/Plans');
  for (const name of ['garden.txt', 'house.txt', 'roof.txt'])
    await alice('PUT', `/Common%20documents/Plans/${name}`, { body: 'drawn in spring' });
  browser = await startBrowser();
  visitor = await visit(browser, `http://127.0.0.1:${server.port}`);
  page = visitor.page;
  await nextSecond();
  moment = await page.evaluate<string>(
    'new Date(Date.now() - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 19)',
  );
  await nextSecond();
  await device('PUT', '/Common%20documents/Plans/garden.txt', { body: 'ransom' });
  await device('PUT', '/Common%20documents/Plans/roof.txt', { body: 'ransom' });
  await device('DELETE', '/Common%20documents/Plans/house.txt');
  await device('PUT', '/Common%20documents/Plans/pay.txt', { body: 'ransom' });
  await server.as('bob')('PUT', '/Common%20documents/Plans/roof.txt', { body: 'drawn again' });
  await signIn(page, emailOf('alice'), PASSWORD);
  await page.getByRole('grid').waitFor();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1_100));
const row = (name: string) => page.getByRole('row').filter({ hasText: name });
const textOf = async (name: string) => (await server.as('alice')('GET', `/Common%20documents/Plans/${name}`)).text;

describe('PRODUCT V5 — the past in the browser', () => {
  test('what an app password did is shown first, with what stays, and then undone', async () => {
    await page.goto('/console/app-passwords');
    await row('a device').getByRole('button', { name: 'Undo' }).click();
    const dialog = page.getByRole('dialog', { name: 'Undo what “a device” did' });
    await dialog.getByLabel('Since').fill(moment);
    await dialog.getByRole('button', { name: 'Show what changes' }).click();
    await dialog.getByText('3 things change.').waitFor();
    const steps = dialog.getByRole('list', { name: 'What changes' }).getByRole('listitem');
    expect((await steps.allInnerTexts()).map((text) => text.replace(/^.*Plans\//, '').split('\n')[0]).sort()).toEqual([
      'garden.txt As before',
      'house.txt There again',
      'pay.txt To the trash',
    ]);
    await dialog.getByText('somebody else changed it since').waitFor();
    expect(await findIssues(page)).toEqual([]);
    expect(await textOf('garden.txt')).toBe('ransom');
    await dialog.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('3 things were taken back').waitFor();
    expect(await textOf('garden.txt')).toBe('drawn in spring');
    expect(await textOf('house.txt')).toBe('drawn in spring');
    expect(await textOf('roof.txt')).toBe('drawn again');
  });

  test('a folder is put back, after it was shown what that changes', async () => {
    await page.goto('/console/files');
    await page.getByRole('grid').waitFor();
    await row('Common documents').dblclick();
    await row('Plans').click();
    await page.getByRole('button', { name: 'Put back' }).last().click();
    const dialog = page.getByRole('dialog', { name: 'Put “Plans” back' });
    await dialog.getByLabel('As it was at').fill('2020-01-01T00:00:00');
    await dialog.getByRole('button', { name: 'Show what changes' }).click();
    await dialog.getByText('Nothing is kept').waitFor();
    await dialog.getByLabel('As it was at').fill(moment);
    await dialog.getByRole('button', { name: 'Show what changes' }).click();
    await dialog.getByText('One thing changes.').waitFor();
    await dialog.getByText('As before').waitFor();
    await dialog.getByRole('button', { name: 'Put back' }).click();
    await page.getByText('One thing was taken back').waitFor();
    expect(await textOf('roof.txt')).toBe('drawn in spring');
  });

  test('nothing went wrong in the page meanwhile', () => {
    expect(visitor.defects).toEqual([]);
  });
});
