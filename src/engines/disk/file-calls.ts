import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { StorageFullError } from '../../stores/blob-store.js';

/**
 * The calls of node:fs by descriptor: `fs.promises` costs twice the CPU of these for a small file. They reject with
 * Node's own error, whose `code` `hasCode` reads.
 */
export const open = promisify(fs.open);
export const close = promisify(fs.close);
export const fstat = promisify(fs.fstat);
export const fsync = promisify(fs.fsync);
export const fdatasync = promisify(fs.fdatasync);
export const link = promisify(fs.link);
export const rename = promisify(fs.rename);
const unlink = promisify(fs.unlink);
export const stat = promisify(fs.stat);

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => error.code === code);
}

/** A disk or a disk quota without room as `StorageFullError`, anything else as it is. */
export function translateFull(error: unknown): unknown {
  return hasCode(error, 'ENOSPC', 'EDQUOT') ? new StorageFullError({ cause: error }) : error;
}

/** Writes all of `bytes` from `position` on; the system may take fewer in one call. */
export async function writeAll(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    done += await writeSome(fd, bytes, done, position + done);
  }
}

function writeSome(fd: number, bytes: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, offset, bytes.byteLength - offset, position, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}

/** Reads into `buffer` from its start; returns the number of bytes, 0 at the file's end. */
export function readSome(fd: number, buffer: Uint8Array, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, 0, length, position, (error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const fd = await open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await fsync(fd);
  } finally {
    await close(fd);
  }
}

/** Gives a file a second name; false when something has that name. */
export async function linkUnlessThere(path: string, second: string): Promise<boolean> {
  try {
    await link(path, second);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** For clean-up: gone already is as good. */
export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}
