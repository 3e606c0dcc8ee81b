import type Koa from 'koa';
import type { FirnState } from './context.js';
import { send } from './send.js';

/** `/healthz`: the process answers. `/readyz`: the stores do too. On hosts that are no drive's. */
export function health(checkReady: () => Promise<void>): Koa.Middleware<FirnState> {
  return async (context, next) => {
    const { mount, url } = context.state;
    if (mount.kind !== 'other' || (url !== '/healthz' && url !== '/readyz')) return next();
    const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' };
    if (url === '/readyz') {
      try {
        await checkReady();
      } catch (error) {
        context.state.log.error({ err: error }, 'not ready');
        send(context, { status: 503, headers, body: 'not ready\n' });
        return;
      }
    }
    send(context, { status: 200, headers, body: 'ok\n' });
  };
}
