import type { Registry } from 'prom-client';
import type { ConnectionCounts } from './connection-counts.js';
import { DURATION_BOUNDS } from './histogram.js';
import { histogramSamples, register, type Sample } from './plain-metric.js';
import { METHODS, type MethodCounts, type RequestCounts, STATUS_CLASSES } from './request-counts.js';

/** Requests, and the connections that they come by. */
export function registerRequests(
  registry: Registry,
  { requests, connections }: { readonly requests: RequestCounts; readonly connections: ConnectionCounts },
): void {
  const counter = (name: string, help: string, samples: () => Sample[]) =>
    register(registry, 'counter', name, help, samples);
  counter('firn_requests_total', 'Requests that ended, by method, kind of address and class of status.', () =>
    requests.all().flatMap(statusSamples),
  );
  counter('firn_requests_broken_total', 'Requests whose client went away before the end of the answer.', () => [
    { value: requests.broken },
  ]);
  counter('firn_requests_malformed_total', 'Requests that are none by HTTP/1.1.', () => [
    { value: connections.malformed },
  ]);
  register(registry, 'gauge', 'firn_requests_open', 'Requests under way; GET and PUT are transfers.', () =>
    METHODS.map((method, index) => ({ labels: { method }, value: requests.open[index]! })),
  );
  for (const [which, name, help] of [
    ['first', 'firn_request_first_byte_seconds', 'Time from the head of a request to the head of its answer.'],
    ['last', 'firn_request_duration_seconds', 'Time from the head of a request to the last byte of its answer.'],
  ] as const) {
    register(registry, 'histogram', name, help, () =>
      requests.all().flatMap((counts) => {
        const { buckets, sum } = counts[which];
        return histogramSamples(name, labelsOf(counts), DURATION_BOUNDS, buckets, sum);
      }),
    );
  }
  register(registry, 'gauge', 'firn_connections_open', 'Connections that are open.', () => [
    { value: connections.open },
  ]);
  counter('firn_connections_total', 'Connections that were accepted.', () => [{ value: connections.accepted }]);
  counter('firn_received_bytes_total', 'Bytes from clients, heads included.', () => [
    { value: connections.bytes().received },
  ]);
  counter('firn_sent_bytes_total', 'Bytes to clients, heads included.', () => [{ value: connections.bytes().sent }]);
}

function labelsOf({ method, mount }: MethodCounts): { method: string; mount: string } {
  return { method, mount };
}

function statusSamples(counts: MethodCounts): Sample[] {
  return STATUS_CLASSES.map((status, index) => ({
    labels: { ...labelsOf(counts), status },
    value: counts.statuses[index]!,
  })).filter(({ value }) => value > 0);
}
