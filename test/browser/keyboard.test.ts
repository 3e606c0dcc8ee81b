import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { basic } from '../support/make-server.js';
import { startBrowser, type Visitor, visit } from './browser.js';

const PASSWORD = 'eleven quiet mountain lakes';
/** More stops than any page has. */
const STOPS_MAX = 60;
/** Drawn before the next key comes. */
const SEEN_FRAMES = 3;

let server: BootedServer;
let browser: Browser;
let visitor: Visitor;
beforeAll(async () => {
  server = await bootServer({ isNew: true });
  browser = await startBrowser();
  visitor = await visit(browser, server.url);
});
afterAll(async () => {
  await browser?.close();
  await server?.remove();
});

test('a keyboard alone leads from the first start to a file restored from the trash', async () => {
  const { page, defects } = visitor;
  const { keyboard } = page;
  const key = (name: string) => pressKey(page, name);
  await page.goto('/');
  await arrive(page, 'Welcome back');
  await fill(page, 'E-mail address', server.user);
  await fill(page, 'Password', server.password);
  await key('Enter');

  await arrive(page, 'Welcome to your new Firn');
  await fill(page, 'Your name', 'Ada');
  await fill(page, 'The password that the server printed', server.password);
  await fill(page, 'Your own password', PASSWORD);
  await key('Enter');
  await arrive(page, 'Name your first drive');
  await page.getByLabel('Name of the drive').waitFor();
  await walkTo(page, 'Name of the drive');
  await key('Enter');
  await arrive(page, 'Connect your first device');
  await press(page, 'Later: to the files');

  await page.getByRole('row').filter({ hasText: 'Common documents' }).waitFor();
  await press(page, 'New folder');
  await page.getByRole('dialog').waitFor();
  await keyboard.type('Letters');
  await key('Enter');
  await page.getByRole('row').filter({ hasText: 'Letters' }).waitFor();
  await walkTo(page, 'Files in Firn');
  await key('ArrowDown');
  await chooseRow(page, 'Letters');
  await key('Enter');
  await page.getByText('This folder is empty').waitFor();

  // Asked for early: what asks for it is not there before the next key otherwise.
  const choosing = page.waitForEvent('filechooser');
  await walkTo(page, 'Upload');
  await key('Enter');
  await key('Enter');
  const chooser = await choosing;
  await chooser.setFiles({ name: 'to grace.txt', mimeType: 'text/plain', buffer: Buffer.from('Dear Grace,\n') });
  await page.getByRole('row').filter({ hasText: 'to grace.txt' }).waitFor();
  await walkTo(page, 'Files in Letters');
  await key('ArrowDown');
  await key('F2');
  await page.getByRole('dialog').waitFor();
  // The name without its ending is marked, to be typed over.
  await keyboard.type('To Grace');
  await key('Enter');
  // Only the case differs from the old name.
  await page.getByRole('grid').getByText('To Grace.txt', { exact: true }).waitFor();
  await expect.poll(() => nameOfFocus(page), { message: 'the focus is back where it was' }).toBe('Files in Letters');
  await key('Delete');
  await page.getByText('“To Grace.txt” is in the trash').waitFor();

  await press(page, 'Trash');
  await arrive(page, 'Trash');
  await page.getByRole('row').filter({ hasText: 'To Grace.txt' }).waitFor();
  await walkTo(page, 'Trash');
  await key('ArrowDown');
  await walkTo(page, 'Restore', 'Shift+Tab');
  await key('Enter');
  await page.getByText('Restored to', { exact: false }).waitFor();
  const back = await fetch(`${server.pathMount}Letters/To%20Grace.txt`, {
    headers: { Authorization: basic(server.user, PASSWORD) },
  });
  expect([back.status, await back.text()]).toEqual([200, 'Dear Grace,\n']);
  expect(defects).toEqual([]);
});

/** As people press keys: they see what one did before they press the next. */
async function pressKey(page: Page, key: string): Promise<void> {
  await page.keyboard.press(key);
  for (let frame = 0; frame < SEEN_FRAMES; frame++) await page.evaluate('new Promise(requestAnimationFrame)');
}

function arrive(page: Page, heading: string): Promise<void> {
  return page.getByRole('heading', { name: heading, level: 1 }).waitFor();
}

async function fill(page: Page, field: string, text: string): Promise<void> {
  await walkTo(page, field);
  await page.keyboard.type(text);
}

async function press(page: Page, name: string): Promise<void> {
  await walkTo(page, name);
  await pressKey(page, 'Enter');
}

async function chooseRow(page: Page, name: string): Promise<void> {
  for (let stops = 0; stops < STOPS_MAX; stops++) {
    const chosen = await page.locator('[role=row][aria-selected=true]').textContent();
    if (chosen?.includes(name)) return;
    await pressKey(page, 'ArrowDown');
  }
  throw new Error(`no arrow leads to ${name}`);
}

/** By Tab to what has the name, from wherever the focus is; each stop on the way has to be seen to have the focus. */
async function walkTo(page: Page, name: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const stops: string[] = [];
  while (stops.length < STOPS_MAX) {
    const here = await nameOfFocus(page);
    if (here === name) return;
    stops.push(here);
    await pressKey(page, key);
    expect(await isFocusSeen(page), `the focus on ${await nameOfFocus(page)} is to be seen`).toBe(true);
  }
  throw new Error(`Tab does not lead to ${name}, but to ${stops.join(', ')}`);
}

/** As a screen reader has it, as far as we use it. */
function nameOfFocus(page: Page): Promise<string> {
  return page.evaluate(`(() => {
    const element = document.activeElement;
    const label = element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent;
    return label.trim();
  })()`);
}

function isFocusSeen(page: Page): Promise<boolean> {
  return page.evaluate(`(() => {
    const element = document.activeElement;
    if (element === document.body) return true;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
  })()`);
}
