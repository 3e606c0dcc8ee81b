import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** A way to a server on loopback that is as slow as one likes. */
export interface Throttle {
  readonly port: number;
  /** Bytes a second over all connections; Infinity: as they come. */
  speed: number;
  /** Bytes that came from the server. */
  readonly received: number;
  stop(): Promise<void>;
}

export async function startThrottle(target: number): Promise<Throttle> {
  const sockets = new Set<Socket>();
  let received = 0;
  let freeAt = 0;
  const server = createServer((socket) => {
    const onward = connect(target, '127.0.0.1');
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('close', () => {
        sockets.delete(one);
        socket.destroy();
        onward.destroy();
      });
      one.on('error', () => {});
    }
    socket.pipe(onward);
    void (async () => {
      for await (const chunk of onward as AsyncIterable<Buffer>) {
        received += chunk.length;
        const now = Date.now();
        freeAt = Math.max(now, freeAt) + (chunk.length * 1000) / throttle.speed;
        if (freeAt - now > 5) await wait(Math.min(freeAt - now, 5_000));
        if (!socket.write(chunk)) await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
      }
      socket.end();
    })().catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const throttle = {
    port: (server.address() as AddressInfo).port,
    speed: Number.POSITIVE_INFINITY,
    get received() {
      return received;
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return throttle;
}
