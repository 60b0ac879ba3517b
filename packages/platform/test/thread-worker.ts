// A worker that calls this package on its own thread when asked, and says its thread id first.
import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';
import type { Answer } from '../src/answer.ts';
import { affinity } from '../src/threads/affinity.ts';
import { currentCpu } from '../src/threads/current-cpu.ts';
import { nice } from '../src/threads/nice.ts';
import { pin } from '../src/threads/pin.ts';
import { schedulingPolicy } from '../src/threads/scheduling.ts';
import { threadCpuTimeNs } from '../src/threads/thread-clock.ts';
import { threadId } from '../src/threads/thread-id.ts';
import { setThreadName } from '../src/threads/thread-name.ts';

// Not by index.ts: a worker starts in half the time.
const calls = { affinity, currentCpu, nice, pin, schedulingPolicy, setThreadName, threadCpuTimeNs };
type Call = keyof typeof calls;

if (parentPort !== null) {
  const port = parentPort;
  port.on('message', ({ call, args }: { call: Call; args: readonly never[] }) => {
    port.postMessage((calls[call] as (...given: readonly never[]) => unknown)(...args));
  });
  port.postMessage(threadId());
}

/** A thread of its own to be moved about. */
export class ThreadWorker {
  readonly tid: number;
  readonly #worker: Worker;

  private constructor(worker: Worker, tid: number) {
    this.#worker = worker;
    this.tid = tid;
  }

  static async start(): Promise<ThreadWorker> {
    const worker = new Worker(new URL(import.meta.url), { execArgv: ['--conditions=@corelane/source'] });
    const [answer] = (await once(worker, 'message')) as [Answer<number>];
    if (answer.status !== 'verified') throw new Error(answer.reason);
    return new ThreadWorker(worker, answer.value);
  }

  /** Calls a function of this package on the worker's thread. */
  async ask<T>(call: Call, ...args: unknown[]): Promise<Answer<T>> {
    const reply = once(this.#worker, 'message');
    this.#worker.postMessage({ call, args });
    const [answer] = (await reply) as [Answer<T>];
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
