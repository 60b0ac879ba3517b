// Tasks that count themselves in the ledger when they begin, and tasks that end their worker in every way there is.
import { threadId, workerData, type MessagePort } from 'node:worker_threads';
import { defineTasks, goOn, move, steps } from '../../src/index.ts';
import type { LedgerMemory } from './ledger.ts';

const { began, polledBy } = (workerData ?? {}) as LedgerMemory;

function begin(task: number): void {
  Atomics.add(began, task, 1);
}

function spin(us: number): void {
  const end = performance.now() + us / 1000;
  while (performance.now() < end);
}

/** More than a poll may take where budgets are as small as they can be. */
export const SLOW_US = 400;

/** The state of a task of steps. */
export interface Walk {
  readonly task: number;
  readonly left: number;
  readonly taken: number;
  /** That travel along. */
  readonly bytes: Uint8Array;
}

const never = (): Promise<never> => new Promise(() => {});

/** A pattern that bytes of another task, or torn ones, do not have. */
export function fill(task: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = task + i * 7;
  return bytes;
}

export function isFilled(bytes: Uint8Array, task: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== ((task + i * 7) & 0xff)) return false;
  return true;
}

export const injected = defineTasks(import.meta.url, {
  count(task: number): number {
    begin(task);
    return task;
  },
  work({ task, us }: { task: number; us: number }): number {
    begin(task);
    spin(us);
    return task;
  },
  async later(task: number): Promise<number> {
    begin(task);
    await new Promise((resolve) => setImmediate(resolve));
    return task;
  },
  text([task, text]: [number, string]): string {
    begin(task);
    return `${task}:${text}`;
  },
  bytes([task, given, length]: [number, Uint8Array, number]): Uint8Array {
    begin(task);
    if (!isFilled(given, task)) throw new Error(`task ${task} was given the bytes of another one`);
    return fill(task, length);
  },
  clone({ task, seen }: { task: number; seen: Map<number, string> }): Map<string, number> {
    begin(task);
    return new Map([...seen].map(([n, text]) => [text, n + task]));
  },
  *generator({ task, yields }: { task: number; yields: number }): Generator<undefined, number> {
    begin(task);
    for (let n = 0; n < yields; n++) {
      Atomics.store(polledBy, task, threadId);
      spin(20);
      yield;
    }
    Atomics.store(polledBy, task, -threadId);
    return task;
  },
  /** Each step once, whichever worker takes it. */
  steps: steps(({ task, left, taken, bytes }: Walk) => {
    if (taken === 0) begin(task);
    Atomics.store(polledBy, task, left === 0 ? -threadId : threadId);
    if (!isFilled(bytes, task)) throw new Error(`task ${task} was given the state of another one`);
    spin(taken % 4 === 3 ? SLOW_US : 20);
    return left === 0 ? taken : goOn({ task, left: left - 1, taken: taken + 1, bytes });
  }),
  /** Bytes that were transferred come back the same way. */
  moved({ task, buffer }: { task: number; buffer: ArrayBuffer }): ArrayBuffer {
    begin(task);
    const bytes = new Uint8Array(buffer);
    if (!isFilled(bytes, task)) throw new Error(`task ${task} was given the bytes of another one`);
    return move(buffer);
  },
  port({ task, port }: { task: number; port: MessagePort }): number {
    begin(task);
    port.postMessage(task);
    port.close();
    return task;
  },
  /** Ends when nobody wants it any more, and not before. */
  untilAborted(task: number, { signal }): Promise<number> {
    begin(task);
    if (signal.aborted) return Promise.resolve(task);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(task), { once: true }));
  },
  fail(task: number): never {
    begin(task);
    throw new RangeError(`task ${task} fails`);
  },

  // What follows ends its worker.
  exit(afterUs: number): void {
    spin(afterUs);
    process.exit(3);
  },
  /** Ends while it runs. */
  throwWhile(): Promise<never> {
    setImmediate(() => {
      throw new RangeError('in a callback');
    });
    return never();
  },
  /** Returns, and ends its worker between tasks, or in one of others. */
  throwLater(): void {
    setImmediate(() => {
      throw new RangeError('left behind');
    });
  },
  reject(): Promise<never> {
    void Promise.reject(new TypeError('nobody handles this'));
    return never();
  },
  exhaust(): number {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 10_000 }, (_, i) => i));
  },
  loop(): void {
    for (;;);
  },
  hang: never,
});
