// Tasks that take their time: several at once in a worker, generators, tasks that look at their signal.
import { setTimeout as delay } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { defineTasks } from '../../src/index.ts';
import { ARRIVED, COUNTS, GATE } from './words.ts';

const words = workerData as Int32Array;
/** Tasks of this worker that are under way, and the most there have been. */
const UNDER_WAY = COUNTS;
const MOST = COUNTS + 1;

function arrive(): void {
  Atomics.add(words, ARRIVED, 1);
  Atomics.notify(words, ARRIVED);
}

async function gateOpens(): Promise<void> {
  const { async, value } = Atomics.waitAsync(words, GATE, 0);
  if (async) await value;
}

let log: string[] = [];

export const running = defineTasks(import.meta.url, {
  /** Waits for the gate without blocking. */
  async meet(value: number): Promise<number> {
    const now = Atomics.add(words, UNDER_WAY, 1) + 1;
    if (now > Atomics.load(words, MOST)) Atomics.store(words, MOST, now);
    arrive();
    await gateOpens();
    Atomics.sub(words, UNDER_WAY, 1);
    return value;
  },
  async immediately(value: number): Promise<number> {
    return value;
  },
  /** Settles the task's promise by hand, twice, and not with a native one. */
  thenable: (value: number): PromiseLike<number> =>
    Object.fromEntries([
      // oxlint-disable-next-line unicorn/no-thenable -- that is what it is for
      ['then', (settle: (value: number) => void) => [value, value + 1].forEach((each) => settle(each))],
    ]) as never,
  trap: (): object => ({
    // oxlint-disable-next-line unicorn/no-thenable
    get then(): never {
      throw new RangeError('trap');
    },
  }),
  /** Its signal tells it, by an event. */
  untilAbort(_: undefined, { signal }): Promise<string> {
    arrive();
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        log.push(`${(signal.reason as Error).name} ${signal.aborted}`);
        arrive();
        resolve('aborted');
      });
    });
  },
  /** Never goes back to its event loop, and looks at its signal. */
  untilAborted(_: undefined, { signal }): void {
    let events = 0;
    signal.addEventListener('abort', () => events++);
    arrive();
    while (!signal.aborted);
    try {
      signal.throwIfAborted();
    } catch (error) {
      log.push(`${(error as Error).name} ${events}`);
    }
    arrive();
  },
  /** Takes a signal, and leaves it to whatever runs next. */
  leaveSignal(_: undefined, { signal, cancelled }): boolean {
    setTimeout(() => {
      log.push(`${signal.aborted} ${cancelled()}`);
      arrive();
    }, 1);
    return signal.aborted;
  },
  async leaveContext(_: undefined, context): Promise<boolean> {
    await delay(1);
    setTimeout(() => {
      log.push(`${context.signal.aborted} ${context.cancelled()}`);
      arrive();
    }, 1);
    return context.cancelled();
  },
  takeLog(): string[] {
    const taken = log;
    log = [];
    return taken;
  },
  *count(steps: number): Generator<number, string> {
    for (let i = 0; i < steps; i++) yield i;
    return `${steps} steps`;
  },
  *fail(): Generator<undefined, never> {
    yield;
    throw new RangeError('in a generator');
  },
  *forEver(): Generator<undefined, void> {
    arrive();
    try {
      for (;;) yield;
    } finally {
      log.push('finally');
      arrive();
    }
  },
  /** Yields until the gate is open, which only something else can do. */
  *untilOpen(value: number): Generator<undefined, number> {
    arrive();
    while (Atomics.load(words, GATE) === 0) yield;
    return value;
  },
  async *stream(steps: number): AsyncGenerator<number, number> {
    for (let i = 0; i < steps; i++) {
      await delay(0);
      yield i;
    }
    return steps;
  },
  async *streamForEver(): AsyncGenerator<undefined, void> {
    arrive();
    try {
      for (;;) {
        await delay(0);
        yield;
      }
    } finally {
      log.push('finally');
      arrive();
    }
  },
  /** Busy for so long, by itself. */
  *spinFor(ms: number): Generator<undefined, { readonly began: number; readonly ended: number }> {
    const began = Date.now();
    while (Date.now() - began < ms) yield;
    return { began, ended: Date.now() };
  },
  timer(ms: number): void {
    setTimeout(arrive, ms);
  },
  openGate(): void {
    Atomics.store(words, GATE, 1);
    Atomics.notify(words, GATE);
  },
  busy(ms: number): void {
    const until = performance.now() + ms;
    while (performance.now() < until);
  },
});
