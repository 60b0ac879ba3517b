// What a task is: a function that a module exports by way of `defineTasks`, named by the module's URL and its name. A worker
// imports the module and finds the function in what it exports; nothing is registered anywhere.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { checkCodec, type Codec } from './codec.ts';
import type { ErrorClass } from './error-record.ts';
import { moduleUrl } from './module-url.ts';
import type { PollBudget } from './monitor/poll-budget.ts';

export { moduleUrl };

/** What a task function is given beside its arguments. Valid until the task has ended. */
export interface TaskContext {
  /** Index of the worker that runs it. */
  readonly worker: number;
  /** Whether nobody waits for the result any more: aborted, timed out, or its client is gone. A load of one shared word. */
  cancelled(this: void): boolean;
  /** Aborts when nobody waits any more, also where it is only looked at (`signal.aborted`) within a synchronous loop. Made when it is first asked for. */
  readonly signal: AbortSignal;
  /** What this poll may use up, in units of the task's own: option `budgets`. Without that it is never spent. */
  readonly budget: PollBudget;
}

/**
 * Runs in a worker. What structured clone carries, and what README says beyond that, can be its arguments and result. A generator returns its result in the end;
 * what it yields is thrown away: each `yield` is a point at which the worker may leave it for other tasks, for good where nobody waits any more.
 */
export type TaskFunction<A, R> = (
  args: A,
  context: TaskContext,
) => R | Promise<R> | Generator<unknown, R, undefined> | AsyncGenerator<unknown, R, undefined>;

/** What a task that returns this ends with. */
export type TaskResult<T> = T extends
  | Generator<unknown, infer R, never>
  | AsyncGenerator<unknown, infer R, never>
  ? R
  : Awaited<T>;

declare const signature: unique symbol;

/** Names a task function, on any thread. Made by `defineTasks`. */
export interface Task<A, R> {
  /** URL of the module that defines it. */
  readonly module: string;
  readonly name: string;
  /** Only a type. */
  readonly [signature]?: (args: A) => R;
}

// oxlint-disable-next-line typescript/no-explicit-any -- any function that takes arguments and a context
type AnyTaskFunction = (args: any, context: TaskContext) => unknown;

export type TaskFunctions = Readonly<Record<string, AnyTaskFunction>>;

/** Whatever its arguments and result are. */
export type AnyTask = Task<never, unknown>;

/** The tasks of a module, by name. */
export type Tasks<F extends TaskFunctions> = {
  readonly [K in keyof F]: Task<
    Parameters<F[K]> extends [] ? undefined : Parameters<F[K]>[0],
    TaskResult<ReturnType<F[K]>>
  >;
};

/** How the arguments and results of the tasks of a module travel. */
export interface TaskOptions {
  /** For objects, and arrays of other things than numbers; that of the scheduler by default, or else the cheapest that carries all. */
  readonly codec?: Codec;
  /** Classes of errors that the tasks throw: they arrive as errors of these classes, without their constructors being called. */
  readonly errors?: readonly ErrorClass[];
  /**
   * `view`: bytes and typed arrays among the arguments, as such and not within objects, are shared memory where they lie, not copies. Valid
   * until the task has ended, not longer. `copy` by default.
   */
  readonly bytes?: 'copy' | 'view';
}

/** For all copies of this package in a process, so that source and build understand each other. */
const FUNCTION = Symbol.for('@corelane/scheduler/function');
const OPTIONS = Symbol.for('@corelane/scheduler/task-options');

/**
 * Defines the tasks of a module. The module must export what this returns, under any name.
 * @param module `import.meta.url`; in CommonJS `__filename`
 * @throws ArgumentRangeError
 */
export function defineTasks<F extends TaskFunctions>(
  module: string | URL,
  functions: F,
  options: TaskOptions = {},
): Tasks<F> {
  for (const [name, value] of Object.entries({ functions, options }))
    if (typeof value !== 'object' || value === null) throw new ArgumentRangeError(name, value, 'an object');
  checkTaskOptions(options);
  const url = moduleUrl(module);
  const tasks: Record<string, Task<unknown, unknown>> = {};
  for (const [name, run] of Object.entries(functions)) {
    if (name === '' || name.includes('#'))
      throw new ArgumentRangeError('name of a task', name, 'a name without #');
    if (typeof run !== 'function') throw new ArgumentRangeError(`tasks.${name}`, run, 'a function');
    const task = { module: url, name };
    Object.defineProperty(task, FUNCTION, { value: run });
    Object.defineProperty(task, OPTIONS, { value: options });
    tasks[name] = Object.freeze(task);
  }
  return Object.freeze(tasks) as Tasks<F>;
}

function checkTaskOptions({ codec, errors = [], bytes = 'copy' }: TaskOptions): void {
  if (codec !== undefined) checkCodec(codec);
  for (const each of errors)
    if (typeof each !== 'function' || !(each.prototype instanceof Error))
      throw new ArgumentRangeError('errors', each, 'classes that extend Error');
  if (bytes !== 'copy' && bytes !== 'view') throw new ArgumentRangeError('bytes', bytes, 'copy or view');
}

/** How the arguments and results of a task travel. */
export function taskOptionsOf(task: Task<never, unknown>): TaskOptions | undefined {
  return (task as { [OPTIONS]?: TaskOptions })[OPTIONS];
}

/** What a worker runs for a task of a module that it has imported, or undefined. */
function functionOf(exported: unknown): AnyTaskFunction | undefined {
  if (typeof exported !== 'object' || exported === null) return undefined;
  return (exported as { [FUNCTION]?: AnyTaskFunction })[FUNCTION];
}

/**
 * The tasks among the exports of a module, one level deep, with their functions.
 * @throws ArgumentRangeError where two of them have one name: all exports are of one evaluation of the module, so it is no newer one
 */
export function tasksOf(exports: object): Map<string, [task: Task<unknown, unknown>, run: AnyTaskFunction]> {
  const found = new Map<string, [task: Task<unknown, unknown>, run: AnyTaskFunction]>();
  for (const [task, run] of tasksIn(exports)) {
    const full = `${task.module}#${task.name}`;
    const other = found.get(full);
    if (other !== undefined && other[1] !== run)
      throw new ArgumentRangeError('name of a task', full, 'a name that no other task of its module has');
    found.set(full, [task, run]);
  }
  return found;
}

function* tasksIn(exports: object): Generator<[task: Task<unknown, unknown>, run: AnyTaskFunction]> {
  for (const exported of Object.values(exports)) {
    const run = functionOf(exported);
    if (run !== undefined) yield [exported as Task<unknown, unknown>, run];
    if (typeof exported !== 'object' || exported === null) continue;
    for (const inner of Object.values(exported as object)) {
      const innerRun = functionOf(inner);
      if (innerRun !== undefined) yield [inner as Task<unknown, unknown>, innerRun];
    }
  }
}
