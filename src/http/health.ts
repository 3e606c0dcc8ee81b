import type Koa from 'koa';
import type { FirnState } from './context.js';
import { send } from './send.js';

/** `/healthz`: the process answers. `/readyz`: the stores do too. On hosts that are no drive's. */
export function health(checkReady: () => Promise<void>): Koa.Middleware<FirnState> {
  return (context, next) => {
    const { mount, url } = context.state;
    return mount.kind !== 'other' || (url !== '/healthz' && url !== '/readyz') ? next() : answer(context, url);
  };
  async function answer(context: Koa.ParameterizedContext<FirnState>, url: string): Promise<void> {
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
  }
}
