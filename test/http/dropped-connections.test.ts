import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Logger } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { tellDropped } from '../../src/http/http-server.js';

it('faults E6 — connections beyond the limit are told in the log, once a minute', async () => {
  const server = createServer();
  server.maxConnections = 1;
  const told: object[] = [];
  let passed = 0;
  tellDropped(server, { warn: (fields: object) => told.push(fields) } as unknown as Logger, () => passed);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const first = connect(port, '127.0.0.1');
  onTestFinished(() => {
    first.destroy();
    server.close();
  });
  await once(server, 'connection');
  const refused = async () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(server, 'drop');
    socket.destroy();
  };
  await refused();
  await refused();
  expect(told).toEqual([{ dropped: 1, connectionsMax: 1 }]);
  passed = 60_000;
  await refused();
  expect(told.at(-1)).toEqual({ dropped: 2, connectionsMax: 1 });
});
