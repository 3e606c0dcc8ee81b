import type Koa from 'koa';
import { ClientGoneError } from './http-body.js';

const UPLOADS: ReadonlySet<string> = new Set(['PUT', 'PATCH', 'POST']);
const NEVER = new AbortController().signal;

/**
 * Aborted when the client goes away before the whole body is here; what came whole is stored, though nobody waits for the
 * answer. Made only for uploads, which are what can be broken off.
 */
export function goneSignal(req: Koa.Context['req'], res: Koa.Context['res']): AbortSignal {
  if (req.method === 'COPY') return leavingSignal(req, res);
  if (!UPLOADS.has(req.method ?? '')) return NEVER;
  const controller = new AbortController();
  res.once('close', () => {
    if (!req.complete) controller.abort(new ClientGoneError('the client went away'));
  });
  return controller.signal;
}

/**
 * Of a COPY, which may take minutes and has no body: the silence is ours, and who goes away gives it up. Also who only
 * closes its own side: nobody would notice that it is gone.
 */
function leavingSignal({ socket }: Koa.Context['req'], res: Koa.Context['res']): AbortSignal {
  const controller = new AbortController();
  const leave = () => controller.abort(new ClientGoneError('the client went away'));
  socket.setTimeout(0);
  socket.once('end', leave);
  res.once('close', () => {
    socket.removeListener('end', leave);
    if (!res.writableFinished) leave();
  });
  return controller.signal;
}
