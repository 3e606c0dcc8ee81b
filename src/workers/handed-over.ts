import type { ChildProcess } from 'node:child_process';

/** As much of Node's own messages about connections as matters here (lib/internal/cluster, since Node 0.12). */
interface ClusterMessage {
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

interface Closeable {
  close(): void;
}

/**
 * Closes the connections that were handed to a worker which ended before it took them: Node would keep them open for good, and
 * their clients would wait. A client whose connection ends tries again.
 */
export function closeUntaken(worker: ChildProcess): void {
  const untaken = new Map<number, Closeable>();
  const send = worker.send as (...values: unknown[]) => boolean;
  worker.send = (...values: unknown[]): boolean => {
    const [message, handle] = values as [ClusterMessage, Closeable | undefined];
    if (message?.act === 'newconn' && message.seq !== undefined && handle) untaken.set(message.seq, handle);
    return send.apply(worker, values);
  };
  worker.on('internalMessage', ({ ack }: ClusterMessage) => void (ack !== undefined && untaken.delete(ack)));
  worker.once('exit', () => {
    for (const handle of untaken.values()) handle.close();
  });
}
