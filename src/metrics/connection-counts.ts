/** As much of a socket as matters here. */
interface Connection {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  once(event: 'close', listener: () => void): unknown;
}

/** Counts connections and the bytes on them, heads included, from what each socket counts anyway. */
export class ConnectionCounts {
  readonly #open = new Set<Connection>();
  #received = 0;
  #sent = 0;
  accepted = 0;
  /** Requests that Node's parser refused. */
  malformed = 0;

  add(connection: Connection): void {
    this.accepted++;
    this.#open.add(connection);
    connection.once('close', () => {
      this.#open.delete(connection);
      this.#received += connection.bytesRead;
      this.#sent += connection.bytesWritten;
    });
  }

  get open(): number {
    return this.#open.size;
  }

  bytes(): { readonly received: number; readonly sent: number } {
    let received = this.#received;
    let sent = this.#sent;
    for (const { bytesRead, bytesWritten } of this.#open) {
      received += bytesRead;
      sent += bytesWritten;
    }
    return { received, sent };
  }
}
