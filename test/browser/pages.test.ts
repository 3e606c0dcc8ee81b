import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DRIVE_ID, emailOf, PASSWORD, type TestServer } from '../support/make-server.js';
import { findIssues, showIn, signIn, startBrowser, type Visitor, visit } from './browser.js';
import { startDemo } from './demo-drive.js';

/** Where SCREENSHOTS names a folder, each page is left there as a picture. */
const { SCREENSHOTS } = process.env;
const SIZES = [
  { name: 'wide', viewport: { width: 1440, height: 900 } },
  { name: 'phone', viewport: { width: 390, height: 844 } },
] as const;

let server: TestServer;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startDemo(), startBrowser()]);
  if (SCREENSHOTS) await mkdir(SCREENSHOTS, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

interface View {
  readonly name: string;
  /** Brings the page there, and waits until it is. */
  readonly open: (page: Page) => Promise<unknown>;
}

const at = (address: string, heading: string | RegExp) => async (page: Page) => {
  await page.goto(`/console${address}`);
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
  await page.waitForLoadState('networkidle');
};
const files = at(`/files/${DRIVE_ID}/`, 'Family');
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const dialog = (page: Page) => page.getByRole('dialog').waitFor();
const press = (before: View['open'], name: string) => async (page: Page) => {
  await before(page);
  await button(page, name);
  await dialog(page);
};
const choose = async (page: Page, name: string) => {
  await files(page);
  await page.getByRole('row').filter({ hasText: name }).getByRole('checkbox').check();
  await page.getByRole('toolbar').waitFor();
};

const BEFORE_SIGN_IN: readonly View[] = [
  { name: 'sign-in', open: at('/', 'Welcome back') },
  {
    name: 'sign-in-refused',
    open: async (page) => {
      await signIn(page, emailOf('daniel'), 'not this one');
      await page.locator('.notice').waitFor();
    },
  },
  {
    name: 'second-step',
    open: async (page) => {
      await signIn(page, emailOf('chiara'), PASSWORD);
      await page.getByRole('heading', { name: 'One more step' }).waitFor();
    },
  },
];

/** Where a program of Nextcloud or ownCloud sends its user. */
const LOGIN_FLOW: View = {
  name: 'login-flow',
  open: async (page) => {
    const { text } = await server.send('POST', '/index.php/login/v2', { headers: { 'User-Agent': 'Nextcloud/3.13' } });
    await page.goto((JSON.parse(text) as { login: string }).login);
    await page.getByRole('heading', { level: 1 }).waitFor();
  },
};

const VIEWS: readonly View[] = [
  { name: 'files', open: files },
  { name: 'files-folder', open: at(`/files/${DRIVE_ID}/Family/Photos/Norway%202025/`, 'Norway 2025') },
  {
    name: 'files-selected',
    open: async (page) => {
      await choose(page, 'Reading list.md');
      await expect
        .poll(() => isInSight(page, '.selection-actions > :last-child'), { message: 'the last tool can be reached' })
        .toBe(true);
    },
  },
  {
    name: 'files-empty',
    open: async (page) => {
      await at(`/files/${DRIVE_ID}/Family/Music/`, 'Music')(page);
      await page.getByText('This folder is empty').waitFor();
    },
  },
  {
    name: 'files-search',
    open: async (page) => {
      await files(page);
      await page.getByRole('searchbox').fill('fjord');
      await page.getByRole('row').filter({ hasText: 'fjord-9.png' }).waitFor();
    },
  },
  {
    name: 'files-search-none',
    open: async (page) => {
      await files(page);
      await page.getByRole('searchbox').fill('unheard of');
      await page.getByText('Nothing found').waitFor();
    },
  },
  { name: 'new-folder', open: press(files, 'New folder') },
  {
    name: 'move',
    open: async (page) => {
      await choose(page, 'Reading list.md');
      await button(page, 'Move');
      await page.getByRole('button', { name: 'Photos' }).waitFor();
    },
  },
  {
    name: 'preview-picture',
    open: async (page) => {
      await at(`/files/${DRIVE_ID}/Family/Photos/Norway%202025/`, 'Norway 2025')(page);
      await page.getByRole('row').filter({ hasText: 'fjord-3.png' }).press('Enter');
      await page.getByRole('grid').press('Home');
      await page.getByRole('grid').press('Enter');
      await page.getByRole('dialog').getByRole('img').waitFor();
    },
  },
  {
    name: 'preview-text',
    open: async (page) => {
      await files(page);
      await page.getByRole('row').filter({ hasText: 'Reading list.md' }).dblclick();
      await page.getByText('The Worst Journey in the World', { exact: false }).waitFor();
    },
  },
  {
    name: 'versions',
    open: async (page) => {
      await choose(page, 'Reading list.md');
      await button(page, 'Versions');
      await page.getByRole('dialog').getByRole('listitem').nth(2).waitFor();
    },
  },
  {
    name: 'versions-none',
    open: async (page) => {
      await choose(page, 'House plan.pdf');
      await button(page, 'Versions');
      await page.getByText('No earlier versions').waitFor();
    },
  },
  {
    name: 'version-question',
    open: async (page) => {
      await choose(page, 'Reading list.md');
      await button(page, 'Versions');
      await page
        .getByRole('button', { name: /^Restore/ })
        .last()
        .click();
      await page.getByRole('heading', { name: /^Restore this version/ }).waitFor();
    },
  },
  {
    name: 'uploads',
    open: async (page) => {
      await files(page);
      const input = page.locator('input[type=file]').first();
      await input.setInputFiles([
        { name: 'Reading list.md', mimeType: 'text/plain', buffer: Buffer.from('x') },
        { name: `harvest ${Date.now()}.txt`, mimeType: 'text/plain', buffer: Buffer.from('Pears.\n') },
      ]);
      await page.getByText('The name is taken').waitFor();
    },
  },
  { name: 'trash', open: at(`/trash/${DRIVE_ID}/`, 'Trash') },
  { name: 'trash-question', open: press(at(`/trash/${DRIVE_ID}/`, 'Trash'), 'Empty the trash') },
  { name: 'connect', open: at(`/connect/${DRIVE_ID}/`, 'Connect') },
  {
    name: 'connect-rclone',
    open: async (page) => {
      await at(`/connect/${DRIVE_ID}/`, 'Connect')(page);
      await page.getByRole('tab', { name: 'rclone' }).click();
    },
  },
  { name: 'app-passwords', open: at('/app-passwords', 'App passwords') },
  { name: 'app-password-new', open: press(at('/app-passwords', 'App passwords'), 'New app password') },
  { name: 'security', open: at('/security', 'Security') },
  {
    name: 'security-totp',
    open: async (page) => {
      await press(at('/security', 'Security'), 'Set up an authenticator')(page);
      await page.getByRole('img', { name: 'QR code' }).waitFor();
    },
  },
  { name: 'imports', open: at('/imports', 'Import') },
  { name: 'import-new', open: press(at('/imports', 'Import'), 'New import') },
  {
    name: 'import-target',
    open: async (page) => {
      await press(at('/imports', 'Import'), 'Import again')(page);
      await page.getByLabel('Password there').fill(PASSWORD);
      await page.getByRole('button', { name: 'Test the connection' }).click();
      await page.getByText('The connection works').waitFor();
    },
  },
  { name: 'admin-users', open: at('/admin/users', 'Users') },
  { name: 'admin-user-new', open: press(at('/admin/users', 'Users'), 'New user') },
  {
    name: 'admin-user-menu',
    open: async (page) => {
      await at('/admin/users', 'Users')(page);
      await page.getByRole('button', { name: /^Actions for bruno/ }).click();
      await expect
        .poll(() => isInSight(page, '[role=menuitem]:last-of-type'), { message: 'no card cuts it off' })
        .toBe(true);
    },
  },
  { name: 'admin-drives', open: at('/admin/drives', 'Drives') },
  { name: 'admin-drive-new', open: press(at('/admin/drives', 'Drives'), 'New drive') },
  { name: 'admin-storage', open: at('/admin/storage', 'Storage') },
  { name: 'admin-audit', open: at('/admin/audit', 'Audit log') },
  { name: 'nothing-here', open: at('/no/such/page', 'Nothing here') },
];

describe.each(SIZES)('axe-core finds nothing on any page, $name, light and dark', ({ name: size, viewport }) => {
  let signedOut: Visitor;
  let signedIn: Visitor;
  beforeAll(async () => {
    const url = `http://127.0.0.1:${server.port}`;
    signedOut = await visit(browser, url, { viewport });
    signedIn = await visit(browser, url, { viewport });
    await signIn(signedIn.page, emailOf('alice'), PASSWORD);
    await signedIn.page.getByRole('grid').waitFor();
  });

  const check = async ({ page, defects }: Visitor, { name, open }: View) => {
    await open(page);
    expect(await findIssues(page)).toEqual([]);
    if (SCREENSHOTS) await takePictures(page, `${name}-${size}`);
    expect(await overflowOf(page), 'pixels that stick out to the right').toBeLessThanOrEqual(0);
    expect(defects).toEqual([]);
  };

  test.each([...BEFORE_SIGN_IN, LOGIN_FLOW])('$name', (view) => check(signedOut, view));
  test.each(VIEWS)('$name', (view) => check(signedIn, view));
});

test('in French what the server refuses is told in French', async () => {
  const { page, defects } = await visit(browser, `http://127.0.0.1:${server.port}`, { locale: 'fr-FR' });
  const signInInFrench = async (password: string) => {
    await page.getByLabel('Adresse e-mail').fill(emailOf('alice'));
    await page.getByLabel('Mot de passe', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Se connecter' }).click();
  };
  await page.goto('/console/');
  await signInInFrench('not this one');
  await page.getByText('L’adresse e-mail ou le mot de passe est faux.').waitFor();
  await signInInFrench(PASSWORD);
  await page.getByRole('button', { name: 'Nouveau dossier' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('Photos');
  await page.getByRole('dialog').getByRole('button', { name: 'Créer' }).click();
  await page.getByText('Il y a déjà un fichier ou un dossier de ce nom.', { exact: false }).waitFor();
  if (SCREENSHOTS) await takePictures(page, 'refused-in-french');
  expect(defects).toEqual([]);
});

async function takePictures(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await showIn(page, colorScheme);
    await page.screenshot({ path: path.join(SCREENSHOTS!, `${name}-${colorScheme}.png`) });
  }
}

/** Nothing covers the middle of it, and nothing around it cuts it off. */
function isInSight(page: Page, selector: string): Promise<boolean> {
  return page.evaluate(`(() => {
    const element = document.querySelector(${JSON.stringify(selector)});
    const { left, top, width, height } = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
  })()`);
}

/** A page that scrolls sideways is broken on a phone. */
function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth');
}
