import type { IncomingMessage } from 'node:http';
import type { Incoming } from '../../drive/contents.js';
import type { FileRow } from '../../stores/import-store.js';
import type { DigestName } from '../../stores/values.js';
import { PassingError } from '../back-off.js';
import type { SourceClient } from './source-client.js';

/** Times that a transfer goes on where it broke off before it begins anew. */
const RESUMES_MAX = 8;

/** The bytes of one file of the source, as an upload. `onBytes` hears of each piece. */
export function incomingFile(
  client: SourceClient,
  url: URL,
  file: FileRow,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Incoming {
  const chunks = () => bytesOf(client, url, file, signal, onBytes);
  return {
    size: file.size,
    chunks,
    readAll: async () => {
      const all: Uint8Array[] = [];
      for await (const chunk of chunks()) all.push(chunk);
      return Buffer.concat(all);
    },
  };
}

/** Those of `oc:checksums` that can be checked. */
export function expectedDigests(checksum: string | null): { algorithm: DigestName | 'sha256'; hex: string }[] {
  const found: { algorithm: DigestName | 'sha256'; hex: string }[] = [];
  for (const [, name, hex] of (checksum ?? '').matchAll(/\b(SHA256|SHA1|MD5):([0-9a-f]{32,64})\b/gi)) {
    found.push({ algorithm: name!.toLowerCase() as DigestName | 'sha256', hex: hex!.toLowerCase() });
  }
  return found.filter(({ algorithm, hex }) => hex.length === { sha256: 64, sha1: 40, md5: 32 }[algorithm]);
}

/** Goes on with Range and If-Range where a transfer stalls or breaks off. */
async function* bytesOf(
  client: SourceClient,
  url: URL,
  file: FileRow,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let offset = 0;
  let validator: string | null = null;
  for (let resumes = 0; ; resumes++) {
    const range: Record<string, string> =
      offset > 0 && validator !== null ? { Range: `bytes=${offset}-`, 'If-Range': validator } : {};
    const { answer } = await client.send('GET', url, { headers: { 'Accept-Encoding': 'identity', ...range }, signal });
    try {
      checkAnswer(answer, offset);
      validator ??= validatorOf(answer);
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        offset += chunk.length;
        onBytes(chunk.length);
        if (file.size !== null && offset > file.size) throw changed();
        yield chunk;
      }
      if (file.size === null || offset === file.size) return;
    } catch (error) {
      if (signal.aborted || error instanceof ChangedError) throw error;
      if (file.size !== null && offset === file.size) return;
      if (validator === null || resumes >= RESUMES_MAX) {
        throw new PassingError(`The transfer broke off: ${(error as Error).message}`, { cause: error });
      }
    } finally {
      answer.destroy();
    }
    if (validator === null || resumes >= RESUMES_MAX) throw new PassingError('Fewer bytes came than were announced.');
  }
}

/** The file is not, or no longer, what the listing says. */
export class ChangedError extends PassingError {}

function changed(): ChangedError {
  return new ChangedError('The file is not what the listing says.');
}

function checkAnswer(answer: IncomingMessage, offset: number): void {
  const coding = answer.headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') throw changed();
  if (offset === 0) return;
  const start = /^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1];
  if (answer.statusCode !== 206 || Number(start) !== offset) throw changed();
}

/** A weak ETag can't say that bytes are the same (RFC 9110 §13.1.5). */
function validatorOf(answer: IncomingMessage): string | null {
  const { etag } = answer.headers;
  if (etag?.startsWith('"')) return etag;
  return answer.headers['last-modified'] ?? null;
}
