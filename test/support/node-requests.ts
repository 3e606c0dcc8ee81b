import { Agent } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Cluster } from './cluster-stage.js';
import type { Sending } from './console-client.js';
import { type Answer, type RequestOptions, sendRequest } from './http-client.js';

type Headers = Record<string, string>;
type Body = RequestOptions['body'];

/** Of two requests that begin together, either is the first; in milliseconds. */
const APART_MS = 4;

/** Requests to one node or another, without the balancer. */
export class NodeRequests {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #cluster: Cluster;
  #turn = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** A node as a server; `headers` go with each request. */
  at(node: number, headers: Headers = {}): Sending {
    const port = this.#cluster.nodes[node]!.port;
    return {
      send: (method, path, options) =>
        sendRequest({ port, agent: this.#agent }, method, path, {
          ...options,
          headers: { ...headers, ...options.headers },
        }),
    };
  }

  /** Each request goes to the next node. */
  byTurns(headers: Headers = {}): Sending {
    const { length } = this.#cluster.nodes;
    return { send: (method, path, options) => this.at(this.#turn++ % length, headers).send(method, path, options) };
  }

  /** A request on the drive, by its owner unless `headers` say otherwise. */
  drive(node: number, method: string, path: string, headers: Headers = {}, body?: Body): Promise<Answer> {
    const { driveId, authorization } = this.#cluster.server;
    return this.at(node).send(method, `/dav/${driveId}/${path}`, {
      headers: { Authorization: authorization, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** The address of a path, for a Destination at a node. */
  href(node: number, path: string): string {
    return `${this.#cluster.mountOf(node)}${path}`;
  }
}

/** Begins all of them nearly at once, in any order; returns what each was answered. */
export function race<T>(...begin: readonly (() => Promise<T>)[]): Promise<T[]> {
  return Promise.all(
    begin.map(async (one) => {
      await wait(Math.floor(Math.random() * APART_MS));
      return one();
    }),
  );
}

/** The statuses of a race, the smallest first. */
export async function statusesOf(...begin: readonly (() => Promise<Answer>)[]): Promise<number[]> {
  return (await race(...begin)).map(({ status }) => status).sort((a, b) => a - b);
}
