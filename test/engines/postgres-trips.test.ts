import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestPostgres } from '../support/engines.js';
import { DRIVE_NAME, type DriveRequest, type TestServer } from '../support/make-server.js';
import { startFirnOn } from '../support/postgres-firn.js';
import { Trips } from '../support/trips.js';

const postgres = new TestPostgres();

describe('trips to PostgreSQL', () => {
  let place: Awaited<ReturnType<typeof startFirnOn>>;
  let server: TestServer;
  let trips: Trips;
  let alice: DriveRequest;

  beforeAll(async () => {
    place = await startFirnOn(await postgres.makeDatabase());
    server = place.firn;
    const { authorization } = await server.addAppPassword('alice');
    alice = server.as(authorization);
    trips = new Trips();
    for (const folder of ['/folder/', '/from/']) await ok(alice('MKCOL', folder));
    for (let number = 0; number < 5; number++) await ok(alice('PUT', `/folder/${number}`, { body: `${number}` }));
  });
  afterAll(async () => {
    trips.stop();
    await place.stop();
  });

  const ok = async (answer: ReturnType<DriveRequest>) => expect((await answer).status).toBeLessThan(300);
  const to = (path: string) => ({ headers: { Destination: server.urlOf(path) } });

  const requests: [string, number, (time: number) => Promise<unknown>, ((time: number) => Promise<unknown>)?][] = [
    ['GET of a file', 2, () => ok(alice('GET', '/folder/1'))],
    ['PUT of a new small file', 3, (time) => ok(alice('PUT', `/folder/new-${time}`, { body: 'new' }))],
    ['PUT of another content', 3, (time) => ok(alice('PUT', '/folder/2', { body: `other ${time}` }))],
    ['MKCOL', 3, (time) => ok(alice('MKCOL', `/folder/made-${time}/`))],
    ['PROPFIND of a folder', 3, () => ok(alice('PROPFIND', '/folder/', { headers: { Depth: '1' } }))],
    ["PROPFIND of the drive's folder", 3, () => ok(alice('PROPFIND', `/${DRIVE_NAME}/`, { headers: { Depth: '1' } }))],
    ['PROPFIND of the root', 3, () => ok(alice('PROPFIND', '/', { headers: { Depth: '1' } }))],
    ['COPY of a folder', 4, (time) => ok(alice('COPY', '/folder/', to(`/copy-${time}/`)))],
    ['MOVE of a folder', 3, (time) => ok(alice('MOVE', `/copy-${time}/`, to(`/moved-${time}/`)))],
    ['MOVE of a file', 4, (time) => ok(alice('MOVE', `/folder/new-${time}`, to(`/from/${time}`)))],
    ['MOVE over a file', 3, (time) => ok(alice('MOVE', `/from/${time}`, to(`/folder/3`)))],
    ['DELETE of a folder', 4, (time) => ok(alice('DELETE', `/moved-${time}/`))],
  ];
  it.each(requests)('%s — %i at most', async (_name, most, work) => {
    expect(await trips.least(work)).toBeLessThanOrEqual(most);
  });
});
