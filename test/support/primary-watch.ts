import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PostgresServer } from './postgres-server.js';

/** Says over HTTP whether a server of PostgreSQL is a primary, as Patroni's `GET /primary` does. */
export class PrimaryWatch {
  private constructor(private readonly server: Server) {}

  static async start(postgres: PostgresServer): Promise<PrimaryWatch> {
    const server = createServer((_, answer) => {
      postgres
        .ask('SELECT pg_is_in_recovery() AS is_standby')
        .then(([row]) => answer.writeHead(row!.is_standby ? 503 : 200).end())
        .catch(() => answer.writeHead(503).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PrimaryWatch(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
