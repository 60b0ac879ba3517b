// What tasks do, the same for every contestant. Libraries that take a module of functions take this one.
import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

/** A task that costs nothing: what is left is what running a task costs. */
export function double(n: number): number {
  return 2 * n;
}

/** SHA-256 in hexadecimal: native work, whose time does not depend on the compiler's tiers. */
export function digest(bytes: Uint8Array): string {
  return hash('sha256', bytes);
}

/** Who runs it: a number that differs between the workers of a process. */
export function whoRuns(_n: number): number {
  return threadId;
}

const NAP_MS = 2;

/** Keeps its worker busy for as long as the file exists: every contestant can pass a name. */
export function holdWhile(path: string): number {
  const nap = new Int32Array(new SharedArrayBuffer(4));
  while (existsSync(path)) Atomics.wait(nap, 0, 0, NAP_MS);
  return threadId;
}
