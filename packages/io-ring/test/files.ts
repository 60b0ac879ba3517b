/** Folders, shared memory and pipes for tests. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { IoRing, type IoRingOptions } from '../src/index.ts';

/** Goes when the test is over. */
export function folder(): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'io-ring-'));
  onTestFinished(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A file with this content. */
export function fileOf(content: Uint8Array | string): string {
  const file = path.join(folder(), 'file');
  fs.writeFileSync(file, content);
  return file;
}

export function shared(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes));
}

/** Bytes that tell where they are from. */
export function pattern(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

/** An empty pipe, open at both ends: a read of it waits until something is written. */
export function pipe(): number {
  const file = path.join(folder(), 'pipe');
  execFileSync('mkfifo', [file]);
  const fd = fs.openSync(file, fs.constants.O_RDWR);
  onTestFinished(() => fs.closeSync(fd));
  return fd;
}

/** Of a pipe: its path, to be opened with 'r+' by who tests. */
export function pipePath(): string {
  const file = path.join(folder(), 'pipe');
  execFileSync('mkfifo', [file]);
  return file;
}

/** Closed when the test is over. */
export function ringOf(options: IoRingOptions = {}): IoRing {
  const ring = IoRing.open(options);
  onTestFinished(() => ring.close());
  return ring;
}

/** One turn of the event loop. */
export async function turn(): Promise<void> {
  await new Promise(setImmediate);
}
