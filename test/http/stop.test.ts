import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { TestServer } from '../support/make-server.js';

test('the end waits for requests whose clients have gone: the stores stay open as long as something uses them', async () => {
  const server = await TestServer.start();
  const { authorization } = await server.addAppPassword('alice');
  const connection = await server.connect();
  connection.writeHead('PROPFIND /dav/123456/ HTTP/1.1', 'Host: x', `Authorization: ${authorization}`, 'Depth: 1');
  // As long as it takes to be read: its password is being hashed then, which takes longer.
  await wait(20);
  connection.close();
  await server.stop();
  await wait(500);
  expect(server.defects).toEqual([]);
});
