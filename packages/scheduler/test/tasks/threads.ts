// What runs on threads of ThreadBuilder in tests.
import { getPriority } from 'node:os';
import { readFileSync, readlinkSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { parentPort, resourceLimits, threadId, workerData } from 'node:worker_threads';
import { setTimeout as delay } from 'node:timers/promises';
import { defineTasks, move, type TaskContext } from '../../src/index.ts';
import { FibreScheduler, join, sleep } from '../../src/fibres/index.ts';
import { threadOf, type CurrentThread } from '../../src/thread/index.ts';
import { tasks as basic } from './basic.ts';

export class Broken extends Error {
  override readonly name = 'Broken';
  readonly code = 'ERR_BROKEN';
}

function current(context: TaskContext): CurrentThread {
  const thread = threadOf(context);
  if (thread === undefined) throw new Error('no thread, expected one');
  return thread;
}

function depth(): number {
  try {
    return 1 + depth();
  } catch {
    return 1;
  }
}

export const threads = defineTasks(
  import.meta.url,
  {
    double: (n: number) => 2 * n,
    async later(text: string) {
      await delay(1);
      return text.toUpperCase();
    },
    *count(to: number): Generator<void, number> {
      let n = 0;
      for (; n < to; n++) yield;
      return n;
    },
    async *countSlowly(to: number): AsyncGenerator<number, number> {
      let n = 0;
      for (; n < to; n++) {
        yield n;
        await delay(1);
      }
      return n;
    },
    fail: (message: string): never => {
      throw new Broken(message, { cause: new RangeError('deep') });
    },
    throwValue: (value: unknown): never => {
      // oxlint-disable-next-line typescript/only-throw-error -- that is what it is about
      throw value;
    },
    notCloneable: () => () => {},
    whoAmI: (_: undefined, context: TaskContext) => ({
      name: current(context).name,
      threadId: current(context).threadId,
      realId: threadId,
      worker: context.worker,
      data: workerData as unknown,
      argv: process.argv.slice(2),
      env: process.env['CORELANE_TEST'],
      limits: resourceLimits,
      heapLimitMb: getHeapStatistics().heap_size_limit / 2 ** 20,
    }),
    depth: () => depth(),
    nice: () => getPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1))),
    cpus: () => /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1],
    print: (text: string) => {
      for (let i = 0; i < 100; i++) console.log(text);
    },
    leaveBehind: () => {
      setInterval(() => {}, 1000);
      return 'done';
    },
    exit: (code: number) => process.exit(code),
    crash: () => {
      setImmediate(() => {
        throw new Broken('uncaught');
      });
      return new Promise<never>(() => setTimeout(() => {}, 1e9));
    },
    spin: () => {
      for (;;);
    },
    untilCancelled: (_: undefined, context: TaskContext) => {
      parentPort?.postMessage('runs');
      while (!context.signal.aborted);
      return 'seen';
    },
    untilAborted: (_: undefined, { signal }: TaskContext) =>
      new Promise<string>((resolve) => {
        parentPort?.postMessage('waits');
        signal.addEventListener('abort', () => resolve('told'));
        setTimeout(() => {}, 1e9);
      }),
    *cleanUp(words: Int32Array): Generator<void, never> {
      try {
        Atomics.store(words, 0, 1);
        Atomics.notify(words, 0);
        for (;;) yield;
      } finally {
        Atomics.store(words, 0, 2);
      }
    },
    bytes: (length: number) => move(new Uint8Array(length).fill(7)),
    sum: (bytes: Uint8Array) => bytes.reduce((sum, each) => sum + each, 0),
    /** Parks so many times. */
    park(times: number, context: TaskContext): number {
      let woken = 0;
      for (let i = 0; i < times; i++) {
        parentPort?.postMessage(i);
        if (current(context).park()) woken++;
      }
      return woken;
    },
    parkFor: (ms: number, context: TaskContext) => current(context).park(ms),
    parkUntilCancelled: (_: undefined, context: TaskContext) => {
      parentPort?.postMessage('parks');
      const isWoken = current(context).park();
      return [isWoken, context.cancelled()];
    },
    /** Takes turns with whoever unparks it: adds one where the word is odd. */
    pingPong({ words, rounds }: { words: Int32Array; rounds: number }, context: TaskContext): void {
      for (let i = 0; i < rounds; i++) {
        while (Atomics.load(words, 0) !== 2 * i + 1) current(context).park();
        Atomics.store(words, 0, 2 * i + 2);
      }
    },
    /** On whatever thread runs it. */
    async fibres(count: number) {
      const fibres = new FibreScheduler({ sliceMs: 0 });
      const all = Array.from({ length: count }, (_, i) =>
        fibres.spawn(function* () {
          yield;
          yield* sleep(i % 3);
          return i;
        }),
      );
      const total = fibres.spawn(function* () {
        let sum = 0;
        for (const each of all) sum += yield* join(each);
        return sum;
      });
      await fibres.close();
      return total.result;
    },
    viaPool: async (n: number, context: TaskContext) => current(context).scheduler?.run(basic.double, n),
    burn: (ms: number) => {
      const endMs = performance.now() + ms;
      let turns = 0;
      while (performance.now() < endMs) turns++;
      return turns;
    },
  },
  { errors: [Broken] },
);
