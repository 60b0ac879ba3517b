// A thread that counts itself, and does what there is to count, when asked.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { parentPort, Worker } from 'node:worker_threads';
import { PerfEvents, threadId, type PerfReading } from '../src/index.ts';
import { spin, touch } from './perf-work.ts';

export type PerfOrder =
  | { readonly do: 'open' }
  | { readonly do: 'read' }
  | { readonly do: 'touch'; readonly bytes: number }
  | { readonly do: 'spin'; readonly ms: number };

if (parentPort !== null) {
  const port = parentPort;
  let events: PerfEvents | undefined;
  port.on('message', (order: PerfOrder) => {
    if (order.do === 'touch') touch(order.bytes);
    else if (order.do === 'spin') spin(order.ms);
    else if (order.do === 'open') {
      const answer = PerfEvents.open();
      if (answer.status !== 'verified') throw new Error(answer.reason);
      events = answer.value;
    }
    port.postMessage(order.do === 'read' ? events?.read() : null);
  });
  const tid = threadId();
  port.postMessage(tid.status === 'verified' ? tid.value : 0);
}

export class PerfWorker implements AsyncDisposable {
  readonly tid: number;
  readonly #worker: Worker;

  private constructor(worker: Worker, tid: number) {
    this.#worker = worker;
    this.tid = tid;
  }

  static async start(): Promise<PerfWorker> {
    const worker = new Worker(new URL(import.meta.url), { execArgv: ['--conditions=@corelane/source'] });
    const [tid] = (await once(worker, 'message')) as [number];
    return new PerfWorker(worker, tid);
  }

  /** Does it on the worker's thread, and answers what that read. */
  async ask(order: PerfOrder): Promise<PerfReading | null> {
    const reply = once(this.#worker, 'message');
    this.#worker.postMessage(order);
    const [reading] = (await reply) as [PerfReading | null];
    return reading;
  }

  /** Ends it wherever it is, and comes back when the kernel has let go of the thread: after joining, it still is listed for a moment. */
  async end(): Promise<void> {
    await this.#worker.terminate();
    while (existsSync(`/proc/self/task/${this.tid}`)) await new Promise(setImmediate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
