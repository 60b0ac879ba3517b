// Tasks with checkpoints by hand, as a build puts them into loops.
import { setTimeout as delay } from 'node:timers/promises';
import { workerData, threadId } from 'node:worker_threads';
import { checkpoint, checkpointLooks, uninterrupted } from '@corelane/scheduler/checkpoints';
import { defineTasks } from '../../src/index.ts';
import { ARRIVED, COUNTS, GATE } from './words.ts';

const words = workerData as Int32Array;
export const FINALLY = COUNTS;
export const ENTERED = COUNTS + 1;
export const MOST = COUNTS + 2;
/** From here on, after COUNTS: how often each task has run. */
export const COUNTED = 4;

function arrive(): void {
  Atomics.add(words, ARRIVED, 1);
  Atomics.notify(words, ARRIVED);
}

function loopForEver(): void {
  for (;;) checkpoint();
}

/** Until the gate is open, which only something else can do. */
function loopUntilOpen(): void {
  while (Atomics.load(words, GATE) === 0) checkpoint();
}

const order: string[] = [];
/** Tasks of this worker in the middle of which others run, and those. */
let depth = 0;

export const looping = defineTasks(import.meta.url, {
  forEver(): void {
    arrive();
    try {
      loopForEver();
    } finally {
      // Its loop has checkpoints, too.
      for (let i = 0; i < 10_000; i++) checkpoint();
      Atomics.add(words, FINALLY, 1);
      arrive();
    }
  },
  /** Catches whatever is thrown, twice. */
  stubborn(): string {
    arrive();
    for (let i = 0; i < 2; i++) {
      try {
        loopForEver();
      } catch (error) {
        order.push((error as Error).name);
        Atomics.add(words, FINALLY, 1);
      }
    }
    arrive();
    return 'ended';
  },
  /** What its `finally` does is done to the end. */
  *withFinally(): Generator<undefined, void> {
    arrive();
    try {
      for (;;) yield;
    } finally {
      for (let i = 0; i < 10_000; i++) checkpoint();
      Atomics.add(words, FINALLY, 1);
      arrive();
    }
  },
  /** A listener of its signal runs on its stack. */
  withListener(_: undefined, { signal }): void {
    signal.addEventListener('abort', () => {
      for (let i = 0; i < 10_000; i++) checkpoint();
      Atomics.add(words, FINALLY, 1);
      arrive();
    });
    arrive();
    while (!signal.aborted);
  },
  async meetLater(ms: number): Promise<void> {
    const now = Atomics.add(words, ENTERED, 1) + 1;
    if (now > Atomics.load(words, MOST)) Atomics.store(words, MOST, now);
    await delay(ms);
    Atomics.sub(words, ENTERED, 1);
  },
  *inGenerator(): Generator<undefined, void> {
    yield;
    arrive();
    loopForEver();
  },
  async afterAwait(): Promise<number> {
    await Promise.resolve();
    for (let i = 0; i < 100_000; i++) checkpoint();
    return 1;
  },
  spendUntilOpen(value: number, { budget }): number {
    arrive();
    budget.consume(budget.remaining);
    loopUntilOpen();
    return value;
  },
  /** Busy for so long; 0: until the gate is open. */
  spinOrLoop(ms: number): void {
    const until = performance.now() + ms;
    while (performance.now() < until);
    if (ms > 0) return;
    arrive();
    loopUntilOpen();
  },
  untilOpen(value: number): number {
    arrive();
    loopUntilOpen();
    return value;
  },
  uninterruptedUntilArrived(count: number): void {
    arrive();
    uninterrupted(() => {
      while (Atomics.load(words, ARRIVED) < count) checkpoint();
    });
  },
  /** The same, and how many are in it at once. */
  nested(value: number): number {
    const now = Atomics.add(words, ENTERED, 1) + 1;
    if (now > Atomics.load(words, MOST)) Atomics.store(words, MOST, now);
    arrive();
    loopUntilOpen();
    Atomics.sub(words, ENTERED, 1);
    return value;
  },
  openGate(): void {
    Atomics.store(words, GATE, 1);
  },
  note(text: string): void {
    order.push(text);
    arrive();
  },
  async noteLater(text: string): Promise<void> {
    await Promise.resolve();
    order.push(text);
  },
  *noteInSteps(text: string): Generator<undefined, void> {
    for (let i = 0; i < 3; i++) yield;
    order.push(text);
  },
  /** Counts itself at its end, after so many checkpoints. */
  countOnce({ index, turns }: { readonly index: number; readonly turns: number }): number {
    depth++;
    if (depth > Atomics.load(words, MOST)) Atomics.store(words, MOST, depth);
    try {
      for (let i = 0; i < turns; i++) checkpoint();
    } finally {
      depth--;
    }
    Atomics.add(words, COUNTS + COUNTED + index, 1);
    return index;
  },
  throwNote(text: string): never {
    throw new RangeError(text);
  },
  takeOrder: (): string[] => order.splice(0),
  threadId: (): number => threadId,
  looks: (): number => checkpointLooks(),
});
