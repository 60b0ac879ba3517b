// How threads are made: options once, as many threads of them as are wanted.
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker, type Transferable, type WorkerOptions } from 'node:worker_threads';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { fileTask, type FileFunction } from '../file-task.ts';
import { moduleUrl } from '../module-url.ts';
import { taskOptionsOf, type Task } from '../tasks.ts';
import { isMoved } from '../transfer.ts';
import { workerOptions } from '../worker-settings.ts';
import { ThreadPlacementError } from './errors.ts';
import { JoinHandle } from './join-handle.ts';
import { threadControl } from './layout.ts';
import type { ThreadStart } from './thread-message.ts';
import {
  checkSpawn,
  checkThreadOptions,
  isOwner,
  type SpawnOptions,
  type ThreadOptions,
} from './thread-options.ts';

const GRACE_MS = 1000;
const INTERVAL_US = 1000;
const SOURCE = import.meta.url.endsWith('.ts');

/** Immutable: `with` makes another one. */
export class ThreadBuilder {
  readonly options: Readonly<ThreadOptions>;

  /** @throws ArgumentRangeError */
  constructor(options: ThreadOptions = {}) {
    checkThreadOptions(options);
    this.options = Object.freeze({ ...options });
  }

  /** The same with other options. @throws ArgumentRangeError */
  with(options: ThreadOptions): ThreadBuilder {
    if (typeof options !== 'object' || options === null)
      throw new ArgumentRangeError('options', options, 'an object');
    return new ThreadBuilder({ ...this.options, ...options });
  }

  /**
   * Starts a thread that runs a function of a module, and ends with it, whatever timers or servers that leaves behind.
   * @param task of `defineTasks` or `fileTask`, or a file and the name of its export
   * @param args what structured clone carries; moved where they are marked by `move`, or named in `transferList`
   * @throws ArgumentRangeError, DataCloneError
   */
  spawn<A, R>(task: Task<A, R>, ...rest: SpawnArguments<A>): JoinHandle<R>;
  spawn(task: FileFunction, args?: unknown, options?: SpawnOptions): JoinHandle;
  spawn(task: Task<never, unknown> | FileFunction, args?: unknown, options: SpawnOptions = {}): JoinHandle {
    checkSpawn(options);
    const named = taskIn(task);
    const { signal, transferList = [] } = options;
    const { name = 'thread', graceMs = GRACE_MS, scheduler } = this.options;
    const { port1, port2 } = new MessageChannel();
    const control = new SharedArrayBuffer(threadControl.bytes);
    const start = this.#start(named, port2, control, args);
    const worker = new Worker(threadUrl(), this.#workerOptions(name));
    try {
      const moved: readonly Transferable[] = isMoved(args) ? args.list : [];
      worker.postMessage(start, [port2, ...new Set([...transferList, ...moved])]);
    } catch (error) {
      port1.close();
      void worker.terminate();
      throw error;
    }
    if (isOwner(scheduler)) scheduler.reclaimOnExit(worker);
    const errors = [...(taskOptionsOf(named)?.errors ?? []), ThreadPlacementError];
    return new JoinHandle({ worker, port: port1, control, name, graceMs, signal, errors });
  }

  #start(
    { module, name: task }: Task<never, unknown>,
    port: ThreadStart['port'],
    control: SharedArrayBuffer,
    args: unknown,
  ): ThreadStart {
    const {
      name = 'thread',
      nice,
      cpus,
      node,
      migration = 'any',
      platform,
      strict = false,
      profile,
      scheduler,
    } = this.options;
    return {
      type: '@corelane/scheduler/thread',
      port,
      control,
      name,
      module,
      task,
      args: isMoved(args) ? args.value : args,
      place: { nice, cpus: cpus && [...cpus], node, migration, platform: platform && moduleUrl(platform) },
      strict,
      profile: profile && {
        file: fileURLToPath(moduleUrl(profile.file)),
        intervalUs: profile.intervalUs ?? INTERVAL_US,
      },
      scheduler: scheduler && {
        module: schedulerUrl().href,
        handle: isOwner(scheduler) ? scheduler.handle : scheduler,
      },
    };
  }

  #workerOptions(name: string): WorkerOptions {
    const { stackSizeMb, resourceLimits } = this.options;
    const shared = workerOptions({
      ...this.options,
      ...(stackSizeMb !== undefined && { resourceLimits: { ...resourceLimits, stackSizeMb } }),
    });
    const own = Object.create(null) as WorkerOptions;
    return Object.assign(own, shared, { name });
  }
}

/** @throws ArgumentRangeError */
function taskIn(
  given: Partial<Task<never, unknown> & FileFunction> | null | undefined,
): Task<never, unknown> {
  const task = typeof given === 'object' ? given : undefined;
  if (task?.filename !== undefined) return fileTask(task.filename, task.name);
  if (typeof task?.module === 'string' && typeof task.name === 'string') return task as Task<never, unknown>;
  throw new ArgumentRangeError('task', given, 'a task of defineTasks or fileTask');
}

/** Arguments may be left out where there are none. */
type SpawnArguments<A> = [undefined] extends [A]
  ? [args?: A, options?: SpawnOptions]
  : [args: A, options?: SpawnOptions];

/** Beside this module, as source and as built: tsup has an entry for it. */
function threadUrl(): URL {
  return new URL(`./thread-worker.${SOURCE ? 'ts' : 'js'}`, import.meta.url);
}

/** Imported by threads that are clients, and only by these. */
function schedulerUrl(): URL {
  return new URL(SOURCE ? '../index.ts' : './index.js', import.meta.url);
}
