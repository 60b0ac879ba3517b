// A fibre as its scheduler has it: one object with everything, so that a switch touches little memory and allocates none.
import type { Heaped } from './min-heap.ts';
import type { FibreContext } from './fibre-context.ts';
import type { WatchedFibre } from './fibre-watch.ts';
import type { Fibre } from './fibre.ts';
import type { Wait } from './waits.ts';

/** What a fibre may yield. */
export type FibreYield = void | undefined | Wait;

/** A fibre's code. `yield` gives nothing back. */
export type FibreGenerator<R> = Generator<FibreYield, R, unknown>;

/** The same, whatever it expects of `yield`. */
export type FibreBody<R> = Generator<FibreYield, R, never>;

/**
 * - `ready`: it could go on, or begin.
 * - `running`: it does.
 * - `sleeping`, `joining`, `waiting`: for a time, another fibre, a promise.
 * - `finished`, `failed`, `cancelled`: it has ended: returned, thrown, or been cancelled.
 */
export type FibreState =
  | 'ready'
  | 'running'
  | 'sleeping'
  | 'joining'
  | 'waiting'
  | 'finished'
  | 'failed'
  | 'cancelled';

export class FibreTask implements Heaped {
  readonly id: number;
  readonly name: string;
  /** 0 to 20, the last the most urgent. */
  readonly level: number;
  readonly generator: FibreBody<unknown>;
  /** Infinity: it runs on. 0: each yield is the end of one. */
  readonly sliceMs: number;
  state: FibreState = 'ready';
  /** Of a list of those that are ready. */
  next: FibreTask | undefined = undefined;
  /** Its deadline, by `performance.now()`. */
  key: number;
  order = 0;
  at = -1;
  /** When its slice is over, by `performance.now()`. */
  sliceEndMs = 0;
  /** Milliseconds that are left of it where it was interrupted; else 0. */
  leftMs = 0;
  /** Since when it has waited for its turn. */
  readyMs = 0;
  /** It has waited so long that it has a slice whatever its level. */
  isAged = false;
  isCancelled = false;
  /** It has been told so. */
  #isTold = false;
  /** How many blocks it is in that are not to be cancelled. */
  #masks = 0;
  /** Why it was cancelled. */
  reason: unknown = undefined;
  /** It goes on otherwise than from where it has yielded: `tell`. */
  hasNews = false;
  #refusal: Error | undefined = undefined;
  /** What it waits for. */
  wait: Wait | undefined = undefined;
  /** How often it was resumed. */
  polls = 0;
  /** What it returned or threw. */
  value: unknown = undefined;
  #listeners: Set<() => void> | undefined = undefined;
  /** Whether somebody has asked how it ends. */
  isObserved = false;
  /** Ends the listening to its signal. */
  release: (() => void) | undefined = undefined;
  /** What its function was given. */
  context: FibreContext | undefined = undefined;
  /** Of option `budgets`. */
  watched: WatchedFibre | undefined = undefined;
  /** Its handle. */
  fibre: Fibre | undefined = undefined;

  constructor(
    id: number,
    name: string,
    level: number,
    sliceMs: number,
    deadlineMs: number,
    generator: FibreBody<unknown>,
  ) {
    this.id = id;
    this.name = name;
    this.level = level;
    this.sliceMs = sliceMs;
    this.key = deadlineMs;
    this.generator = generator;
  }

  get hasEnded(): boolean {
    return this.state === 'finished' || this.state === 'failed' || this.state === 'cancelled';
  }

  /** When it has ended; at once where it has. */
  whenEnded(listener: () => void): void {
    if (this.hasEnded) listener();
    else (this.#listeners ??= new Set()).add(listener);
  }

  /** Whoever has waited for its end does so no more. */
  forget(listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  /** Whether it would not hear of a cancellation now. */
  get isMasked(): boolean {
    return this.#masks > 0;
  }

  /** It begins or ends a block that is not to be cancelled. @param by 1 or -1 */
  mask(by: number): void {
    this.#masks += by;
    this.#note();
  }

  /** It returns where it is, when it is resumed, or when it has left what is not to be cancelled. */
  cancel(reason: unknown): void {
    this.isCancelled = true;
    this.reason = reason;
    this.#note();
    this.context?.cancel(reason);
  }

  /** What it has yielded means nothing: it throws there. */
  refuse(error: Error): void {
    this.#refusal = error;
    this.#note();
  }

  /** Resumes it with the news. A refusal comes before the end. */
  tell(): IteratorResult<FibreYield, unknown> {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal === undefined) this.#isTold = true;
    this.#note();
    return refusal === undefined ? this.generator.return(undefined) : this.generator.throw(refusal);
  }

  #note(): void {
    const isToEnd = this.isCancelled && !this.#isTold && this.#masks === 0;
    this.hasNews = isToEnd || this.#refusal !== undefined;
  }

  end(state: 'finished' | 'failed' | 'cancelled', value: unknown): void {
    this.state = state;
    this.value = value;
    this.release?.();
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  }
}
