// What one writes without a library: workers with a port each, tasks in turn, results in the order of the tasks.
import { Worker } from 'node:worker_threads';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions } from '../contestant.ts';
import type { PortMessage, TaskName } from '../port-message.ts';
import { sharedBytes } from '../shared-bytes.ts';
import { Waiting } from '../waiting.ts';

class PortWorker {
  readonly waiting: Waiting = new Waiting();
  readonly #worker: Worker = new Worker(entryUrl('suites/scheduler/port-worker'));
  #batch: unknown[] = [];
  #batchTask: TaskName = 'double';

  constructor(many: boolean) {
    this.#worker.on('message', (result: unknown) => {
      if (many) for (const each of result as unknown[]) this.waiting.settle(each);
      else this.waiting.settle(result);
    });
    this.#worker.on('error', (error: Error) => this.waiting.reject(error));
    this.#worker.on('exit', (code) => this.waiting.reject(new Error(`a worker ended with ${code}`)));
  }

  post(task: TaskName, argument: unknown): void {
    this.#worker.postMessage({ task, argument, many: false } satisfies PortMessage);
  }

  /** Puts it with those of this turn of the event loop. */
  put(task: TaskName, argument: unknown): void {
    if (task !== this.#batchTask) this.#send();
    this.#batchTask = task;
    // After all messages that have arrived: what goes on from their results is the next batch, and few messages are many tasks.
    if (this.#batch.push(argument) === 1) setImmediate(() => this.#send());
  }

  end(): Promise<number> {
    return this.#worker.terminate();
  }

  #send(): void {
    if (this.#batch.length === 0) return;
    this.#worker.postMessage({
      task: this.#batchTask,
      argument: this.#batch,
      many: true,
    } satisfies PortMessage);
    this.#batch = [];
  }
}

function start({ threads }: ContestantOptions, many: boolean): Contestant {
  const workers = Array.from({ length: threads }, () => new PortWorker(many));
  let turn = 0;
  const call = <Result>(task: TaskName, argument: unknown): Promise<Result> => {
    const worker = workers[turn] as PortWorker;
    turn = turn + 1 === threads ? 0 : turn + 1;
    if (many) worker.put(task, argument);
    else worker.post(task, argument);
    return worker.waiting.add();
  };
  return {
    double: (n) => call('double', n),
    digest: (payload) => call('digest', payload),
    whoRuns: (n) => call('whoRuns', n),
    holdWhile: (path) => call('holdWhile', path),
    allocate: sharedBytes,
    close: () => Promise.all(workers.map((worker) => worker.end())),
  };
}

/** A message for each task, and one for each result. */
export function startPort(options: ContestantOptions): Contestant {
  return start(options, false);
}

/** As `startPort`, with payloads in ordinary memory: they are cloned. */
export function startCloningPort(options: ContestantOptions): Contestant {
  const { double, digest, whoRuns, holdWhile, close } = start(options, false);
  return { double, digest, whoRuns, holdWhile, close };
}

/** A message for all tasks of a turn of the event loop, and one for their results. */
export function startBatchedPort(options: ContestantOptions): Contestant {
  return start(options, true);
}
