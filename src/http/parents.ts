import { propfindParent } from '../dav/parent-folder.js';
import { HttpError } from '../http-error.js';
import { sendToConsole } from './console-pages.js';
import type { Context } from './context.js';
import { wantsPage } from './error-page.js';
import { HttpBody } from './http-body.js';
import type { MountOf } from './mounts.js';
import { send } from './send.js';

const TEXT = 'This is a Firn server. Your drive is at /dav/ID/, with the ID of the drive, for WebDAV programs.\n';

/**
 * Answers at the folders above a drive's path, to which Windows and GNOME walk up when they mount it (PRODUCT A4, CLIENTS
 * R31). They show that they are folders, to everybody, and no drives. A browser that asks for `/` is sent to the console.
 */
export async function answerParent(context: Context, { path }: MountOf<'parent'>): Promise<void> {
  switch (context.method) {
    case 'GET':
    case 'HEAD':
      if (path === '/' && wantsPage(context.req.headers.accept)) return sendToConsole(context);
      return send(context, { status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: TEXT });
    case 'PROPFIND': {
      const { prefix } = context.state;
      return sendParent(context, prefix + path, path === '/' ? [`${prefix}/dav/`] : []);
    }
    default:
      throw new HttpError(405, 'This folder only leads to drives.', {
        headers: { Allow: 'OPTIONS, GET, HEAD, PROPFIND' },
      });
  }
}

/** Answers PROPFIND with a folder and those in it, all as encoded hrefs. */
export async function sendParent(context: Context, href: string, members: readonly string[]): Promise<void> {
  const { req, res } = context;
  send(context, await propfindParent({ headers: req.headers, body: new HttpBody(req, res) }, href, members));
}
