// A fibre as others see it: its end, its state, and a way to cancel it.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { TIER_MONITOR } from '../budgets/tier-table.ts';
import { FibreUnfinishedError } from './errors.ts';
import type { FibreState, FibreTask } from './fibre-task.ts';

/** Which task a handle is of. @throws ArgumentRangeError */
export let taskOf: (fibre: object) => FibreTask;

export class Fibre<R = unknown> {
  readonly #task: FibreTask;
  readonly #cancel: (task: FibreTask, reason: unknown) => boolean;
  #promise: Promise<R> | undefined;

  static {
    taskOf = (fibre): FibreTask => {
      if (typeof fibre === 'object' && fibre !== null && #task in fibre) return fibre.#task;
      throw new ArgumentRangeError('fibre', fibre, 'a fibre of spawn');
    };
  }

  /** Made by `FibreScheduler.spawn`. @internal */
  constructor(task: FibreTask, cancel: (task: FibreTask, reason: unknown) => boolean) {
    this.#task = task;
    this.#cancel = cancel;
  }

  get id(): number {
    return this.#task.id;
  }

  get name(): string {
    return this.#task.name;
  }

  /** 0 to 20, the last the most urgent. */
  get priority(): number {
    return this.#task.level;
  }

  get state(): FibreState {
    return this.#task.state;
  }

  /** Whether it has ended, however it did. */
  get isFinished(): boolean {
    return this.#task.hasEnded;
  }

  /** How often it was resumed. */
  get polls(): number {
    return this.#task.polls;
  }

  /** TIER_ ...; 0 without option `budgets`. */
  get tier(): number {
    return this.#task.watched?.tier ?? TIER_MONITOR;
  }

  /** What it returned. @throws what it threw, or why it was cancelled; FibreUnfinishedError */
  get result(): R {
    const { state, value } = this.#task;
    if (state === 'finished') return value as R;
    if (!this.#task.hasEnded) throw new FibreUnfinishedError(this.name, state);
    this.#task.isObserved = true;
    throw value;
  }

  /** What it threw, or why it was cancelled; undefined where it has done neither, or not yet. */
  get error(): unknown {
    const { state, value } = this.#task;
    if (state !== 'failed' && state !== 'cancelled') return undefined;
    this.#task.isObserved = true;
    return value;
  }

  /** What it returns, as a promise; the same at each call. Rejects with what it throws, or why it was cancelled. Within a fibre, `yield* join(fibre)` costs less. */
  join(): Promise<R> {
    const task = this.#task;
    task.isObserved = true;
    return (this.#promise ??= new Promise((resolve, reject) => {
      task.whenEnded(() => {
        if (task.state === 'finished') resolve(task.value as R);
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever the fibre has thrown, or its signal's reason
        else reject(task.value);
      });
    }));
  }

  /**
   * At its next `yield`, or where it waits, it returns instead of going on: its `finally` blocks run, and may yield and wait (one that it is in already
   * it leaves there, see `uncancelled`). One that has not begun never does.
   * @param reason what `join` rejects with; a FibreCancelledError by default
   * @returns false where it has ended, or been cancelled before
   */
  cancel(reason?: unknown): boolean {
    return this.#cancel(this.#task, reason);
  }

  /** Cancels it, and waits until it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    await this.join().catch(() => {});
  }
}
