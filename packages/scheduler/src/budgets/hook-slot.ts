// Where the hooks of a thread are, and how they are exchanged.
import { types } from 'node:util';
import { ArgumentRangeError } from '@corelane/shared-memory';
import type { HooksInForce, PolledTask, PollResult, TaskHooks } from './hooks.ts';
import { checkNames } from './known-options.ts';

const NAMES = ['beforePoll', 'afterPoll', 'onYield', 'onCompletion'] as const;

type HookName = (typeof NAMES)[number];

/** What is told of a hook that threw. */
export type OnHookError = (error: unknown, hook: HookName) => void;

/**
 * Hooks of one thread. They can be exchanged at any time, within a hook or a poll too. Whoever runs a poll looks at `current` before it, and after it calls the hooks that it
 * found: so whoever has seen `beforePoll` sees `afterPoll` as well, and no poll goes to two.
 * ```
 * const hooks = slot.current;
 * if (hooks !== undefined) hooks.beforePoll(task);
 * ```
 */
export class HookSlot {
  /** undefined: none are set. */
  current: HooksInForce | undefined = undefined;
  /** How often hooks threw. */
  failures = 0;
  readonly #onError: OnHookError;

  /** @param onError by default a process warning, once for each set of hooks: a hook that throws disturbs no task */
  constructor(onError?: OnHookError) {
    this.#onError = onError ?? warn;
  }

  /**
   * From the next poll on; undefined: none. They are called as methods of `hooks`, as these are now.
   * @throws ArgumentRangeError
   */
  set(hooks: TaskHooks | undefined): void {
    this.current = hooks === undefined ? undefined : new CheckedHooks(checkHooks(hooks), this.#failed);
  }

  readonly #failed = (error: unknown, hook: HookName, isFirst: boolean): void => {
    this.failures++;
    if (isFirst) this.#onError(error, hook);
  };
}

/** @throws ArgumentRangeError */
export function checkHooks(hooks: TaskHooks): TaskHooks {
  if (typeof hooks !== 'object' || hooks === null) throw new ArgumentRangeError('hooks', hooks, 'an object');
  // An object of a class may have what it likes beside them.
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(hooks) as object | null);
  if (isPlain) checkNames('hooks', hooks, NAMES);
  let known = 0;
  for (const name of NAMES) {
    const hook: unknown = hooks[name];
    if (hook === undefined) continue;
    // One that is asynchronous would reject where nobody hears of it, and end the thread.
    if (typeof hook !== 'function' || types.isAsyncFunction(hook))
      throw new ArgumentRangeError(`hooks.${name}`, hook, 'a function that is not asynchronous');
    known++;
  }
  if (known === 0)
    throw new ArgumentRangeError('hooks', hooks, `an object with ${NAMES.join(', ')}, or some of them`);
  return hooks;
}

/** One class, whatever is set: what calls them stays monomorphic. */
class CheckedHooks implements HooksInForce {
  readonly #hooks: TaskHooks;
  readonly #before: TaskHooks['beforePoll'];
  readonly #after: TaskHooks['afterPoll'];
  readonly #yield: TaskHooks['onYield'];
  readonly #completion: TaskHooks['onCompletion'];
  readonly #failed: (error: unknown, hook: HookName, isFirst: boolean) => void;
  #hasFailed = false;

  constructor(hooks: TaskHooks, failed: (error: unknown, hook: HookName, isFirst: boolean) => void) {
    this.#hooks = hooks;
    this.#before = hooks.beforePoll;
    this.#after = hooks.afterPoll;
    this.#yield = hooks.onYield;
    this.#completion = hooks.onCompletion;
    this.#failed = failed;
  }

  beforePoll(task: PolledTask): void {
    if (this.#before === undefined) return;
    try {
      this.#before.call(this.#hooks, task);
    } catch (error) {
      this.#fail(error, 'beforePoll');
    }
  }

  afterPoll(result: PollResult, durationNs: number, task: PolledTask): void {
    if (this.#after === undefined) return;
    try {
      this.#after.call(this.#hooks, result, durationNs, task);
    } catch (error) {
      this.#fail(error, 'afterPoll');
    }
  }

  onYield(task: PolledTask): void {
    if (this.#yield === undefined) return;
    try {
      this.#yield.call(this.#hooks, task);
    } catch (error) {
      this.#fail(error, 'onYield');
    }
  }

  onCompletion(result: 'done' | 'failed', task: PolledTask): void {
    if (this.#completion === undefined) return;
    try {
      this.#completion.call(this.#hooks, result, task);
    } catch (error) {
      this.#fail(error, 'onCompletion');
    }
  }

  #fail(error: unknown, hook: HookName): void {
    const isFirst = !this.#hasFailed;
    this.#hasFailed = true;
    this.#failed(error, hook, isFirst);
  }
}

function warn(error: unknown, hook: HookName): void {
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(
    `hook ${hook} threw, and later failures of these hooks are only counted: ${reason}`,
    'SchedulerWarning',
  );
}
