import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BootedServer, bootServer } from '../support/boot-server.js';
import { startBrowser } from './browser.js';

/** Anyone who runs asks for this name, which nothing else does. */
const MARK = 'ran-a-script';
const RUN = `document.title='ran';new Image().src='${MARK}'`;
/** For what a page would begin by itself after it has loaded. */
const SETTLES_MS = 200;
/** Markup that would be an element, and run, wherever a name is taken for HTML. A slash ends a name, so no tag is closed. */
const IMAGE = `<img src=x onerror="new Image().src='${MARK}'">`;
const NAMES = [
  `${IMAGE}.txt`,
  `"><svg onload="new Image().src='${MARK}'">.html`,
  `' onmouseover='new Image().src="${MARK}"' x='.pdf`,
  '&lt;img src=x onerror=alert(1)&gt;.svg',
  `javascript:new Image().src='${MARK}'`,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a name that a template would fill in
  '{{constructor.constructor("alert(1)")()}}${alert(1)}.txt',
];
const FOLDER = `${IMAGE} folder`;
const DRIVE = `${IMAGE} drive`;

const HTML = `<!doctype html><title>quiet</title><p>shown</p><img src="x" onerror="${RUN}"><script>${RUN}</script>
<meta http-equiv="refresh" content="0;url=${MARK}"><form action="${MARK}"><input autofocus onfocus="${RUN}"></form>
<iframe srcdoc="<script>${RUN}</script>"></iframe><object data="javascript:${RUN}"></object>`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="${RUN}"><script>${RUN}</script>
<foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="${RUN}"/></foreignObject></svg>`;
const XHTML = `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>quiet</title><script>${RUN}</script></head><body/></html>`;
/** A PDF whose document runs a script of its own when it opens. */
const PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.launchURL\\('${MARK}'\\))>>>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj
trailer<</Root 1 0 R>>`;
const ACTIVE = { 'page.html': HTML, 'picture.svg': SVG, 'page.xhtml': XHTML, 'feed.xml': XHTML, 'paper.pdf': PDF };

let server: BootedServer;
let browser: Browser;
/** Signed in to the console, and to WebDAV by the browser's own password dialog. */
let context: BrowserContext;
/** What ran: requests for the mark, dialogs. */
const ran: string[] = [];

beforeAll(async () => {
  server = await bootServer({ driveName: DRIVE });
  const dav = async (method: string, name: string, body?: string) => {
    const headers = { Authorization: server.authorization };
    const { status } = await fetch(`${server.pathMount}${name}`, { method, headers, ...(body ? { body } : {}) });
    expect([name, status]).toEqual([name, 201]);
  };
  const folder = encodeURIComponent(FOLDER);
  await dav('MKCOL', folder);
  for (const name of NAMES) await dav('PUT', `${folder}/${encodeURIComponent(name)}`, 'text');
  for (const [name, body] of Object.entries(ACTIVE)) await dav('PUT', name, body);
  await server.firn('app-password', 'create', server.user, IMAGE);
  browser = await startBrowser();
  context = await browser.newContext({ httpCredentials: { username: server.user, password: server.password } });
  const data = { email: server.user, password: server.accountPassword };
  expect((await context.request.post(`${server.url}/api/session`, { data })).status()).toBe(201);
  context.on('request', (request) => {
    if (new URL(request.url()).pathname.endsWith(`/${MARK}`)) ran.push(request.url());
  });
  context.on('dialog', (dialog) => {
    ran.push(dialog.message());
    void dialog.dismiss();
  });
});
afterAll(async () => {
  await browser?.close();
  await server?.remove();
});

async function withPage(work: (page: Page) => Promise<void>): Promise<void> {
  ran.length = 0;
  const page = await context.newPage();
  try {
    await work(page);
    // What a page begins after it has loaded; there is no event for nothing.
    await page.waitForTimeout(SETTLES_MS);
    expect([ran, await page.title()]).toEqual([[], expect.not.stringMatching(/^ran$/)]);
  } finally {
    await page.close();
  }
}

/** Shows the names as text, and none of what they would be as HTML. */
async function expectAsText(page: Page, names: readonly string[]): Promise<void> {
  for (const name of names) await page.getByText(name, { exact: false }).first().waitFor();
  expect(
    await page.locator('img[src="x"], svg[onload], [onerror], [onload], [onmouseover], a[href^="javascript:"]').count(),
  ).toBe(0);
}

const place = (page: string, ...path: string[]) =>
  `${server.url}/console/${page}/${server.driveId}/${path.map(encodeURIComponent).join('/')}`;
const content = (name: string) =>
  `${server.url}/api/drives/${server.driveId}/content?path=${encodeURIComponent(`/${DRIVE}/${name}`)}`;

describe('a name is text wherever it is shown (stored XSS)', () => {
  test('in the console: files, a search, a preview, and what is said when one is deleted', () =>
    withPage(async (page) => {
      await page.goto(place('files', DRIVE, FOLDER));
      await expectAsText(page, [...NAMES, FOLDER, DRIVE]);
      await page.getByRole('searchbox').first().fill('onerror');
      await expectAsText(page, [NAMES[0]!]);
      await page.goto(place('files', DRIVE, FOLDER));
      await page.getByText(NAMES[0]!).first().dblclick();
      await page.getByRole('dialog').waitFor();
      await expectAsText(page, [NAMES[0]!]);
    }));

  test('in the trash, in app passwords, where programs are connected, in one’s own log', async () => {
    const headers = { Authorization: server.authorization };
    await fetch(`${server.pathMount}${encodeURIComponent(FOLDER)}/${encodeURIComponent(NAMES[1]!)}`, {
      method: 'DELETE',
      headers,
    });
    await withPage(async (page) => {
      await page.goto(place('trash'));
      await expectAsText(page, [NAMES[1]!]);
      await page.goto(`${server.url}/console/app-passwords`);
      await expectAsText(page, [IMAGE]);
      await page.goto(place('connect'));
      await expectAsText(page, [DRIVE]);
    });
  });

  test('in the list that WebDAV gives to a browser, and on its error pages', () =>
    withPage(async (page) => {
      await page.goto(`${server.pathMount}${encodeURIComponent(FOLDER)}/`);
      await expectAsText(page, [FOLDER, NAMES[0]!, NAMES[2]!, NAMES[3]!, NAMES[5]!]);
      for (const path of [`${encodeURIComponent(IMAGE)}`, `<img%20src=x%20onerror=alert(1)>`]) {
        expect((await page.goto(`${server.pathMount}${path}`))?.status()).toBe(404);
        await expectAsText(page, ['404']);
      }
    }));
});

describe('an uploaded page, picture or paper runs nothing (stored XSS)', () => {
  test.each(Object.keys(ACTIVE))('%s, opened by WebDAV’s address and by the console’s', (name) =>
    withPage(async (page) => {
      for (const address of [`${server.pathMount}${name}`, content(name), `${content(name)}&download=1`]) {
        // What is to be saved isn't shown: the browser says so as an error.
        const answer = await page.goto(address).catch((error: Error) => error.message);
        if (typeof answer === 'string') expect(answer).toMatch(/Download is starting|ERR_ABORTED|ERR_BLOCKED/);
        else expect(answer?.status()).toBe(200);
      }
    }),
  );

  test.each(Object.keys(ACTIVE))('%s, in the console’s preview and in a frame of it', (name) =>
    withPage(async (page) => {
      await page.goto(place('files', DRIVE));
      await page.getByText(name).first().dblclick();
      await page.getByRole('dialog').waitFor();
      await page.evaluate(`new Promise((done) => {
        const frame = document.createElement('iframe');
        frame.onload = done;
        frame.src = ${JSON.stringify(content(name))};
        document.body.append(frame);
        setTimeout(done, 1000);
      })`);
    }),
  );
});
