import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emailOf, PASSWORD, TestServer } from '../support/make-server.js';
import { mustRun } from '../support/run-program.js';
import { signIn, startBrowser, type Visitor, visit } from './browser.js';

let server: TestServer;
let browser: Browser;
let visitor: Visitor;
let page: Page;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'firn-browser-'));
  server = await TestServer.start();
  const alice = server.as('alice');
  for (const name of ['/Songs', '/Songs/Live', '/Archive']) await alice('MKCOL', name);
  await alice('PUT', '/Songs/tone.wav', { body: makeTone() });
  await alice('PUT', '/Songs/Live/notes.txt', { body: 'Second take.\n' });
  await alice('PUT', '/paper.pdf', { body: makePdf('Hello') });
  browser = await startBrowser();
  visitor = await visit(browser, `http://127.0.0.1:${server.port}`);
  page = visitor.page;
  await signIn(page, emailOf('alice'), PASSWORD);
  await page.getByRole('grid').waitFor();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const row = (name: string) => page.getByRole('row').filter({ hasText: name });

describe('files in the browser', () => {
  test('a PDF is shown by the browser’s own viewer', async () => {
    await row('paper.pdf').dblclick();
    // Chromium's viewer is an extension of its own, in a frame; where the policy refuses a PDF it isn't there.
    const viewers = () => page.frames().filter((frame) => frame.url().startsWith('chrome-extension://'));
    await expect.poll(() => viewers().length).toBeGreaterThan(0);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  });

  test('music is played', async () => {
    await row('Songs').dblclick();
    await row('tone.wav').dblclick();
    await page.locator('audio').waitFor();
    await page.evaluate('document.querySelector("audio").play()');
    await expect.poll(() => page.evaluate('document.querySelector("audio").currentTime')).toBeGreaterThan(0.1);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  });

  test('a folder comes as a ZIP file with everything in it', async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Drive', exact: true }).first().click();
    await row('Songs').getByRole('checkbox').check();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download as ZIP' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('Songs.zip');
    const listed = await mustRun('unzip', ['-Z1', await download.path()]);
    expect(listed.trim().split('\n').sort()).toEqual([
      'Songs/',
      'Songs/Live/',
      'Songs/Live/notes.txt',
      'Songs/tone.wav',
    ]);
  });

  test('a folder that is dropped on the page is uploaded with what is in it', async () => {
    const dropped = path.join(folder, 'Letters');
    await mkdir(path.join(dropped, 'old'), { recursive: true });
    await writeFile(path.join(dropped, 'old', 'first.txt'), 'Dear Ada,\n');
    await writeFile(path.join(dropped, 'last.txt'), 'Farewell\n');
    await drop(dropped);
    await page.getByRole('heading', { name: '2 files uploaded' }).waitFor();
    await row('Letters').waitFor();
    expect((await server.as('alice')('GET', '/Letters/old/first.txt')).text).toBe('Dear Ada,\n');
  });

  test('moving and copying go by a dialog of folders, and can be undone', async () => {
    const alice = server.as('alice');
    await row('paper.pdf').click();
    await page.getByRole('button', { name: 'Move', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
    await page.getByRole('button', { name: 'Move here' }).click();
    await page.getByText('Moved to Archive').waitFor();
    expect((await alice('HEAD', '/Archive/paper.pdf')).status).toBe(200);
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await row('paper.pdf').waitFor();
    expect((await alice('HEAD', '/Archive/paper.pdf')).status).toBe(404);
    await row('paper.pdf').click();
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
    await page.getByRole('button', { name: 'Copy here' }).click();
    await page.getByText('Copied to Archive').waitFor();
    for (const place of ['/paper.pdf', '/Archive/paper.pdf']) expect((await alice('HEAD', place)).status).toBe(200);
  });

  test('PRODUCT V4 — a file that was overwritten twice contains again what it contained at first', async () => {
    const alice = server.as('alice');
    for (const body of ['Draft.\n', 'Better.\n', 'Worse than before.\n']) await alice('PUT', '/speech.txt', { body });
    await page.reload();
    await row('speech.txt').dblclick();
    await page.getByText('Worse than before.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Versions' }).click();
    const versions = page.getByRole('list', { name: 'Versions of “speech.txt”' }).getByRole('listitem');
    await expect.poll(() => versions.count()).toBe(3);
    expect(await versions.first().getByRole('button').count()).toBe(0);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      versions.nth(1).getByRole('link', { name: 'Download' }).click(),
    ]);
    expect(await readFile(await download.path(), 'utf8')).toBe('Better.\n');

    await versions.nth(2).getByRole('button', { name: 'Restore' }).click();
    const question = page.getByRole('dialog', { name: 'Restore this version' });
    await question.getByRole('button', { name: 'Cancel' }).click();
    expect((await alice('GET', '/speech.txt')).text).toBe('Worse than before.\n');
    await versions.nth(2).getByRole('button', { name: 'Restore' }).press('Enter');
    await question.getByRole('button', { name: 'Restore' }).click();
    await page.getByText('“speech.txt” is restored').waitFor();
    await expect.poll(() => versions.count()).toBe(4);
    expect((await alice('GET', '/speech.txt')).text).toBe('Draft.\n');

    await page.keyboard.press('Escape');
    await row('speech.txt').filter({ hasText: '7 bytes' }).dblclick();
    await page.getByRole('dialog').getByText('Draft.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  });

  test('nothing went wrong in the page meanwhile', () => {
    expect(visitor.defects).toEqual([]);
  });
});

/** As from a file manager, onto the middle of the page. */
async function drop(place: string): Promise<void> {
  const tools = await visitor.context.newCDPSession(page);
  const data = { items: [], files: [place], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await tools.send('Input.dispatchDragEvent', { type, x: 700, y: 500, data });
  }
}

/** A second of a tone: WAV, 8 bits, 8 kHz. */
function makeTone(): Buffer {
  const rate = 8000;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + rate, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 1],
    [34, 8],
  ] as const)
    head.writeUInt16LE(value, at);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(rate, 40);
  const tone = Buffer.from(Array.from({ length: rate }, (_, at) => 128 + Math.round(60 * Math.sin(at / 3))));
  return Buffer.concat([head, tone]);
}

function makePdf(text: string): string {
  const content = `BT /F1 48 Tf 60 120 Td (${text}) Tj ET`;
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 300]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>',
    `<</Length ${content.length}>>stream\n${content}\nendstream`,
    '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>',
  ];
  let pdf = '%PDF-1.4\n';
  const entries = objects.map((object, index) => {
    const entry = `${String(pdf.length).padStart(10, '0')} 00000 n \n`;
    pdf += `${index + 1} 0 obj${object}endobj\n`;
    return entry;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries.join('')}`;
  return `${pdf}${table}trailer<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${pdf.length}\n%%EOF`;
}
