import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy on loopback that lets something happen before a request goes on to the server. */
export interface Meddler {
  /** `http://127.0.0.1:PORT`, in place of the server's own. */
  readonly url: string;
  stop(): Promise<void>;
}

/** `before` gets each request once its head has come, and may change its headers; it goes on when that resolves. */
export async function startMeddler(
  target: string,
  before: (request: IncomingMessage) => Promise<void>,
): Promise<Meddler> {
  const { hostname, port } = new URL(target);
  const proxy = createServer((incoming, outgoing) => {
    const forward = () => {
      const { method, url, headers } = incoming;
      const onward = request({ hostname, port, method, path: url ?? '/', headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    };
    before(incoming).then(forward, () => outgoing.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve());
        proxy.closeAllConnections();
      }),
  };
}
