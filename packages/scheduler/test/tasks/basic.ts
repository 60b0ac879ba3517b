import { setTimeout as delay } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { defineTasks } from '../../src/index.ts';

class PaymentError extends Error {
  override readonly name = 'PaymentError';
  readonly code = 'E_DECLINED';
  readonly amount: number;

  constructor(amount: number, cause: unknown) {
    super(`declined: ${amount}`, { cause });
    this.amount = amount;
  }
}

export const tasks = defineTasks(import.meta.url, {
  double: (n: number) => n * 2,
  echo: (value: unknown) => value,
  async later(ms: number): Promise<string> {
    await delay(ms);
    return `after ${ms}`;
  },
  nothing() {},
  threadId: () => threadId,
  worker: (_: undefined, context) => context.worker,
  bytes: (length: number) => new Uint8Array(length),
  function: () => () => 1,
  fail(message: string): never {
    throw new RangeError(message);
  },
  failFrom(n: number): number {
    if (n >= 10) throw new RangeError(`${n} is too much`);
    return n;
  },
  decline(amount: number): never {
    throw new PaymentError(amount, new TypeError('no card', { cause: 'expired' }));
  },
  failSystem(): never {
    throw Object.assign(new Error('ENOENT: gone'), {
      code: 'ENOENT',
      errno: -2,
      syscall: 'open',
      path: '/x',
    });
  },
  failOddly(value: unknown): never {
    throw value;
  },
  failWithFunction(): never {
    throw Object.assign(new Error('odd'), { code: 'E_ODD', helper: () => 1 });
  },
  failLoudly(length: number): never {
    throw new Error('x'.repeat(length));
  },
  async reject(message: string): Promise<never> {
    await delay(0);
    throw new RangeError(message);
  },
  exit(code: number): void {
    process.exit(code);
  },
  exhaust(): number {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 10_000 }, (_, i) => i));
  },
  throwLater(): Promise<void> {
    setImmediate(() => {
      throw new RangeError('in a callback');
    });
    return new Promise(() => {});
  },
  rejectUnhandled(): Promise<void> {
    void Promise.reject(new TypeError('nobody catches this'));
    return new Promise(() => {});
  },
  /** Leaves a timer behind; returns at once. */
  leaveTimer(words: readonly number[]): void {
    void words;
    setTimeout(() => {
      left++;
    }, 1);
  },
  left: () => left,
});

let left = 0;
