// A client as its users see it: the one that `Scheduler.attach` returns, and the scheduler itself.
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { ArgumentRangeError } from '@corelane/shared-memory';
import type { Client } from './client.ts';
import type { FileFunction } from './file-task.ts';
import { checkObject, type CloseOptions, type RunOptions } from './options.ts';
import { mapTasks, type MapOptions } from './map-tasks.ts';
import { runMany, type RunManyOptions } from './run-many.ts';
import type { AnyTask, Task } from './tasks.ts';
import type { Passed } from './transfer.ts';

/** A priority would count for nothing; what is moved could go to one worker alone. */
export type BroadcastOptions = Omit<RunOptions, 'lane' | 'pin' | 'priority' | 'transferList'>;

/** Of one client. All but `waiting` only grow. */
export interface ClientCounts {
  /** Tasks that wait for a slot. */
  readonly waiting: number;
  /** Rejected with QueueFullError. */
  readonly refused: number;
  /** Rejected with TaskShedError. */
  readonly shed: number;
  /** Tasks that ran again because their worker was lost. */
  readonly retried: number;
  /** Tasks that had not ended by themselves after their time of grace. */
  readonly condemned: number;
  /** Times that one of its tasks was moved to the slow lane, begun or not. */
  readonly moved: number;
}

/** Of each thread that submits; listeners run in the async context in which the client was made. */
export interface ClientEvents {
  /** As many tasks wait for a slot as `maxQueue` says, or, where it has no limit, as there are slots; or one was refused. Producers should wait for `drain`. */
  readonly needsDrain: [];
  /** Half as many wait, or fewer. */
  readonly drain: [];
}

// oxlint-disable-next-line typescript/no-explicit-any -- events of a class that is derived from it
export class SchedulerClient<E extends Record<keyof E, any[]> = ClientEvents>
  extends EventEmitter<E>
  implements AsyncDisposable
{
  /** Place of this client, for `scheduler.reclaimClient`. The owner's is 0. */
  readonly id: number;
  readonly #client: Client;

  /** Made by `Scheduler.attach`. @internal */
  constructor(client: Client) {
    super();
    this.#client = client;
    this.id = client.id;
    const scope = new AsyncResource('corelane.scheduler', { requireManualDestroy: true });
    const tell = (event: keyof ClientEvents): void =>
      void scope.runInAsyncScope(() => (this as unknown as EventEmitter<ClientEvents>).emit(event));
    // Not among the steps of a submission or a collection: listeners submit, and throw.
    client.onPressure = (event) => process.nextTick(tell, event);
  }

  /** Whether producers should wait for the event `drain`, or for `drained()`: see `needsDrain` of ClientEvents. */
  get needsDrain(): boolean {
    return this.#client.pressure.needsDrain;
  }

  /** Settles when producers need not wait, any more or anyway. */
  drained(): Promise<void> {
    return this.#client.pressure.drained();
  }

  /** What became of this client's tasks. */
  counts(): ClientCounts {
    return this.#client.counts();
  }

  /** Tasks that were accepted and whose end is not known yet. */
  get inFlight(): number {
    return this.#client.inFlight;
  }

  /**
   * Runs a task on a worker. Nothing is thrown; the promise rejects with what the task threw, with `signal.reason`, or with
   * ArgumentRangeError, QueueFullError, TaskShedError, NoSeatError, PayloadTooLargeError, NotCloneableError, TaskTimeoutError, TaskDeadlineError, WorkerLostError,
   * TaskNotFoundError, ValueLostError, PayloadMemoryError, CorruptSlotError, SchedulerClosedError, ClientLostError. Of the first four, none has run.
   */
  run<R>(task: Task<undefined, R>, args?: undefined, options?: RunOptions): Promise<R>;
  run<A, R>(task: Task<A, R>, args: Passed<A>, options?: RunOptions): Promise<R>;
  run<R = unknown>(file: FileFunction, args?: unknown, options?: RunOptions): Promise<R>;
  run<R>(task: AnyTask | FileFunction, args?: unknown, options?: RunOptions): Promise<R> {
    return this.#client.run(task, args, options) as Promise<R>;
  }

  /**
   * Runs a task without a promise: one of the two functions is called when it has ended, once, and not before this returns. What would reject `run` goes to `onError`.
   * They are called one after the other as results are found, in whatever async context that is (`AsyncResource.bind` keeps one). What they throw is an uncaught exception.
   * @throws ArgumentRangeError where one of them is no function
   */
  submit<A, R>(
    task: Task<A, R>,
    args: Passed<A>,
    onResult: (result: R) => void,
    onError: (error: unknown) => void,
    options?: RunOptions,
  ): void {
    if (typeof onResult !== 'function') throw new ArgumentRangeError('onResult', onResult, 'a function');
    if (typeof onError !== 'function') throw new ArgumentRangeError('onError', onError, 'a function');
    this.#client.submit(task, args, onResult as (value: unknown) => void, onError, options);
  }

  /**
   * Runs a task for every element of a list. Numbers travel many to a slot, at a tenth of what `run` costs for each; see `chunk`.
   * @returns the results in the order of the list. Rejects with the first error, or when its signal aborts; then what has not begun never does, and what runs is told: a share of several ends with the element that is under way.
   */
  async runMany<A, R>(
    task: Task<A, R>,
    list: readonly Passed<A>[],
    options: RunManyOptions = {},
  ): Promise<R[]> {
    return (await runMany(this.#client, task, list, options)) as R[];
  }

  /**
   * Runs a task for each of a stream of arguments, `concurrency` of them at once. Arguments are taken, and tasks submitted, as results are.
   * @returns the results. What a task or the stream throws ends them, in its turn where they are in order; who breaks off, and an error, abort what is under way.
   */
  map<A, R>(
    task: Task<A, R>,
    items: Iterable<Passed<A>> | AsyncIterable<Passed<A>>,
    options: MapOptions = {},
  ): AsyncGenerator<R, void, undefined> {
    const run = (args: unknown, runOptions: RunOptions): Promise<unknown> =>
      this.#client.run(task, args, runOptions);
    return mapTasks(run, items, options, this.#client.limits.common) as AsyncGenerator<R, void, undefined>;
  }

  /**
   * Runs a task once on each worker that is there, before other tasks: `pin` for each.
   * @returns the results in the order of the workers' indices. Rejects with the first error; the others run all the same.
   */
  broadcast<R>(task: Task<undefined, R>, args?: undefined, options?: BroadcastOptions): Promise<R[]>;
  broadcast<A, R>(task: Task<A, R>, args: Passed<A>, options?: BroadcastOptions): Promise<R[]>;
  async broadcast<R>(task: AnyTask, args?: unknown, options: BroadcastOptions = {}): Promise<R[]> {
    checkObject('options', options);
    const runs = this.#client
      .liveWorkers()
      .map((worker) => this.#client.run(task, args, { ...options, pin: { worker } }));
    return Promise.all(runs) as Promise<R[]>;
  }

  /** Waits until nothing is in flight, then gives up its place. New tasks are refused at once. Harmless when called again. */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#client.close(options);
  }

  /** Rejects what is in flight with SchedulerClosedError, then gives up its place. Tasks that run already run on. */
  destroy(): void {
    this.#client.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
