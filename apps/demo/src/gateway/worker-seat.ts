// One place for an HTTP worker. A thread that dies leaves leases, a counter writer and a place at the scheduler behind; they are taken
// back when its `exit` event has come, never before: a thread that still runs must not share them with its successor.
import { Worker } from 'node:worker_threads';
import { entryExecArgv, entryUrl } from '../entry.ts';
import { PartError } from '../errors.ts';
import type { Transition } from './guard.ts';
import type { FromWorker, HttpWorkerData, ToWorker } from './worker-messages.ts';

/** What a thread is given of its own, and what is taken back when it has died. */
export interface SeatClaim {
  readonly data: HttpWorkerData;
  /** Called as soon as there is a thread. */
  readonly adopt: (worker: Worker) => void;
  /** @param threadId of the thread that has ended */
  readonly reclaim: (threadId: number) => void;
}

export interface SeatOptions {
  readonly index: number;
  readonly claim: () => SeatClaim;
  readonly onTransition: (transition: Transition) => void;
  /** The thread died, and everything of its has been taken back. */
  readonly onDeath: (cause: Error) => void;
  /** What the thread had could not be taken back: the books and the pool are not to be trusted any more. */
  readonly onFailure: (cause: Error) => void;
}

export class WorkerSeat {
  readonly #options: SeatOptions;
  #worker: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();
  #closing = false;

  constructor(options: SeatOptions) {
    this.#options = options;
  }

  /** Starts a thread. @returns the port that it listens on @throws PartError where it ends before it listens */
  async start(): Promise<number> {
    const { index, claim, onTransition, onDeath, onFailure } = this.#options;
    const { data, adopt, reclaim } = claim();
    const worker = new Worker(entryUrl('http-worker'), {
      name: `gateway http ${index}`,
      workerData: data,
      execArgv: entryExecArgv(),
    });
    const { threadId } = worker; // -1 once it has ended
    this.#worker = worker;
    adopt(worker);
    const listening = Promise.withResolvers<number>();
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    let failure: unknown;
    let isListening = false;
    worker.on('error', (error) => (failure = error));
    worker.on('message', (message: FromWorker) => {
      if ('transition' in message) {
        onTransition(message.transition);
      } else {
        isListening = true;
        listening.resolve(message.listening.port);
      }
    });
    worker.once('exit', (code) => {
      try {
        reclaim(threadId);
      } catch (error) {
        // Thrown on, it would end the process from an event handler.
        const lost = new PartError(`http worker ${index}`, 'what its thread had cannot be taken back', {
          cause: error,
        });
        onFailure(lost);
        listening.reject(lost);
        return;
      } finally {
        ended.resolve();
      }
      if (this.#closing) return;
      const cause = new PartError(`http worker ${index}`, `its thread ended with code ${code}`, {
        cause: failure,
      });
      listening.reject(cause);
      if (isListening) onDeath(cause);
    });
    return await listening.promise;
  }

  /** Ends the thread where it stands, as a crash would. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** Lets the thread answer what it has, and waits for its end; after `timeoutMs` it is killed. @returns whether it ended by itself */
  async close(timeoutMs: number): Promise<boolean> {
    this.#closing = true;
    this.#worker?.postMessage({ close: true } satisfies ToWorker);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      void this.kill();
    }, timeoutMs);
    await this.#ended;
    clearTimeout(timer);
    return !late;
  }
}
