// The thread of a pool's worker, on a scheduler of its own.
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { NotCloneableError, WorkerLostError } from '../errors.ts';
import type { SchedulerOptions } from '../options.ts';
import { Scheduler } from '../scheduler.ts';
import type { WorkerSettings } from '../worker-settings.ts';
import { workerExited } from './errors.ts';
import { HandlerTasks, type Call, type Handler } from './handlers.ts';
import { isMoved, withTransfers } from '../transfer.ts';
import type { ValueLink } from '../value-link.ts';
import { outgoing } from './move.ts';
import { ownOf, type FilledOptions } from './options.ts';
import type { PoolTask } from './pool-task.ts';
import { AheadLink } from './port-link.ts';

/** What a worker is told before it takes tasks. */
export interface SetupData {
  readonly port: MessagePort;
  /** What it imports before it is ready. */
  readonly preload: Handler | undefined;
}

export interface ThreadEvents {
  onReady(): void;
  onMessage(message: unknown): void;
  onError(error: Error): void;
  onExit(exitCode: number): void;
}

/** Tasks that a worker is given at once at most, whatever `concurrentTasksPerWorker` says. */
export const MAX_TASKS = 1024;
const MAX_HANDLERS = 200;
const MAX_NICE = 19;

function workerModule(): string {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? './worker.ts' : './piscina-worker.js', import.meta.url).href;
}

export class PoolThread {
  readonly worker: Worker;
  readonly #scheduler: Scheduler;
  readonly #port: MessagePort;
  readonly #link: AheadLink;
  readonly #handlers = new HandlerTasks(workerModule(), MAX_HANDLERS);

  constructor(options: FilledOptions, events: ThreadEvents) {
    const { port1, port2 } = new MessageChannel();
    const { filename, name } = options;
    const data: SetupData = {
      port: port2,
      preload: filename === null ? undefined : { filename, name },
    };
    this.#port = port1;
    this.#scheduler = Scheduler.create(
      ownOf<SchedulerOptions>({
        ...workerSettings(options),
        threads: 1,
        growth: 'manual',
        slots: MAX_TASKS,
        maxClients: 1,
        setup: () => ({ module: workerModule(), data, transferList: [port2] }),
      }),
    );
    this.#scheduler.on('error', () => {}); // told by the thread's own events
    this.#scheduler.on('message', (message) => events.onMessage(message));
    this.#scheduler.on('workerCreate', () => events.onReady());
    const { table } = this.#scheduler;
    this.#link = new AheadLink(table.payloads.link as ValueLink);
    table.payloads.link = this.#link;
    table.payloads.sendsLarge = true;
    this.#scheduler.startWorker();
    this.worker = this.#scheduler.workers[0]?.worker as Worker;
    this.worker.unref();
    this.worker.on('error', (error) => events.onError(error));
    this.worker.on('exit', (exitCode) => events.onExit(exitCode));
  }

  /** Hands a task over; it ends with one of the two, not before this returns. */
  post(task: PoolTask, onResult: (value: unknown) => void, onError: (error: unknown) => void): void {
    const { filename, name, transferList } = task;
    const run = this.#handlers.of(filename, name);
    const value = outgoing(task.task, transferList);
    task.task = null;
    this.#link.target = this.#port;
    this.#scheduler.submit(
      run,
      run === this.#handlers.any ? called(value, filename, name) : value,
      onResult,
      (error) => onError(translated(error)),
    );
    this.#link.target = undefined;
  }

  /** Ends it now. What it has rejects some time later. */
  async terminate(): Promise<void> {
    this.#port.close();
    await this.#scheduler.destroy();
  }
}

/** Options of worker threads. What is undefined is not given at all. */
function workerSettings(options: FilledOptions): WorkerSettings {
  const { workerData, argv, execArgv, env, resourceLimits, trackUnmanagedFds } = options;
  const niceIncrement = Math.max(0, Math.min(Math.trunc(options.niceIncrement), MAX_NICE));
  const given = { argv, execArgv, env, resourceLimits, trackUnmanagedFds };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { workerData, niceIncrement, name: 'piscina', ...Object.fromEntries(known) };
}

/** The argument of the task that is told what to run. */
function called(value: unknown, filename: string, name: string): unknown {
  if (!isMoved(value)) return { filename, name, value } satisfies Call;
  return withTransfers({ filename, name, value: value.value } satisfies Call, value.list);
}

/** An error of the scheduler as piscina would have it. */
function translated(error: unknown): unknown {
  if (error instanceof NotCloneableError) return error.cause;
  if (error instanceof WorkerLostError) return error.cause ?? workerExited(error.exitCode);
  return error;
}
