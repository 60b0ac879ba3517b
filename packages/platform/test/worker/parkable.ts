// A worker that may be parked, at some work. Posts its ticket (or why it has none) before it starts.
import { openSync, readSync } from 'node:fs';
import { Worker, parentPort, workerData } from 'node:worker_threads';
import { Parkable, park } from '../../src/experimental.ts';
import { loadNative } from '../../src/native.ts';

export interface ParkableData {
  /** Word 0: counts steps of the work. Word 1: what some wait for. */
  readonly words: Int32Array;
  /** What the words are in. */
  readonly memory: WebAssembly.Memory;
  readonly work: keyof typeof works;
  /** `read`: a named pipe. */
  readonly pipe: string;
  /** `false`: as in a runtime without V8's interrupt. */
  readonly symbol: boolean;
}

const { words, memory, work, pipe, symbol } = workerData as ParkableData;
const step = (): number => Atomics.add(words, 0, 1);

/** Keeps what is littered from being optimised away. */
const garbage: unknown[] = [];

const works = {
  /** Runs JavaScript for ever. */
  spin: (): void => {
    for (;;) step();
  },
  /** Runs WebAssembly for ever: (loop (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))) (br 0)). */
  wasm: (): void => {
    const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const types = [1, 4, 1, 0x60, 0, 0];
    const imports = [2, 9, 1, 1, 0x65, 1, 0x6d, 2, 3, 1, 1];
    const functions = [3, 2, 1, 0];
    const exports = [7, 5, 1, 1, 0x66, 0, 0];
    const loop = [3, 0x40, 0x41, 0, 0x41, 1, 0xfe, 0x1e, 2, 0, 0x1a, 0x0c, 0, 0x0b];
    const code = [0x0a, 0x12, 1, 0x10, 0, ...loop, 0x0b];
    const bytes = new Uint8Array([...header, ...types, ...imports, ...functions, ...exports, ...code]);
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { m: memory } }).exports;
    (f as () => void)();
  },
  /** Runs no JavaScript but at each message, which it answers. */
  idle: (): void => {
    parentPort?.on('message', (message) => {
      step();
      parentPort?.postMessage(message);
    });
    step();
  },
  /** Waits until word 1 is not 0, and says how that ended. */
  wait: (): void => {
    step();
    const outcome = Atomics.wait(words, 1, 0);
    step();
    parentPort?.postMessage(outcome);
  },
  /** Sits in the kernel until somebody writes to the pipe; then spins. Word 1 gets its thread id. */
  read: (): void => {
    const file = openSync(pipe, 'r+'); // for writing as well: opening does not wait for a writer
    Atomics.store(words, 1, loadNative().addon?.threadId() ?? 0);
    step();
    readSync(file, new Uint8Array(1));
    for (;;) step();
  },
  /** Allocates and drops, so that its garbage is collected all the time. */
  litter: (): void => {
    for (;;) {
      garbage[0] = Array.from({ length: 1000 }, (_, i) => ({ i, text: `${i}` }));
      step();
    }
  },
  /** Has a worker of its own that spins on the same words, and spins as well. */
  parent: (): void => {
    const child = new Worker(new URL(import.meta.url), {
      workerData: { words, memory, work: 'spin', pipe, symbol } satisfies ParkableData,
      execArgv: process.execArgv,
    });
    child.once('message', (message) => {
      parentPort?.postMessage(message);
      for (;;) step();
    });
  },
  /** Ends by itself at the first message. */
  leave: (): void => {
    parentPort?.once('message', () => parentPort?.close());
    step();
  },
  /** Throws, which nobody catches, once word 1 is not 0. */
  throw: (): void => {
    while (Atomics.load(words, 1) === 0) step();
    throw new Error('thrown on purpose');
  },
  /** Ends its registrations one by one, at each message; answers what parking itself answers. */
  twice: (): void => {
    const second = Parkable.register();
    const registrations = [registered, second].flatMap((answer) =>
      answer.status === 'verified' ? [answer.value] : [],
    );
    if (new Set(registrations.map(({ ticket }) => JSON.stringify(ticket))).size !== 1)
      throw new Error('two tickets');
    parentPort?.on('message', () => {
      const last = registrations.pop();
      last?.[Symbol.dispose]();
      last?.[Symbol.dispose](); // disposing twice is harmless
      parentPort?.postMessage(last && park(last.ticket));
    });
    step();
  },
};

if (!symbol) Object.assign(loadNative().addon ?? {}, { parkRegister: () => -38 }); // ENOSYS
const registered = Parkable.register();
parentPort?.postMessage(registered.status === 'verified' ? registered.value.ticket : registered);
works[work]();
