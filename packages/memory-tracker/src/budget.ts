// The limits of a tag, as a thread sets them and listens to them.
import type { BudgetCallbacks, BudgetListeners } from './budget-listeners.ts';
import { ArgumentRangeError } from './errors.ts';
import { checkNames } from './options.ts';
import type { BudgetLimits, TagCell } from './tag-cell.ts';

/** Guessed: the alarm of a soft limit ends a tenth below it. */
const RECOVER_SHARE = 0.9;

/**
 * Limits that are not named stay as they are, but for `recoverBytes`, which is nine tenths of a `softBytes` that is named without it;
 * `Infinity` lifts one.
 */
export interface BudgetOptions extends BudgetCallbacks, Partial<BudgetLimits> {}

const LIMITS = ['softBytes', 'recoverBytes', 'hardBytes'] as const;
const OPTIONS: readonly string[] = [...LIMITS, 'onSoft', 'onRecover', 'onHard'];

/** A thread's hold on the limits of a tag. The limits are shared: whoever changes them changes them for all threads. */
export class MemoryBudget {
  readonly tag: string;
  readonly #cell: TagCell;
  readonly #listeners: BudgetListeners;
  readonly #callbacks: BudgetCallbacks;
  readonly #settle: () => void;

  /** Made by `tracker.budget`. @internal */
  constructor(cell: TagCell, listeners: BudgetListeners, settle: () => void, options: BudgetOptions) {
    checkNames('options', options, OPTIONS);
    const { onSoft, onRecover, onHard } = options;
    for (const [name, callback] of Object.entries({ onSoft, onRecover, onHard }))
      if (callback !== undefined && typeof callback !== 'function')
        throw new ArgumentRangeError(name, callback, 'a function');
    this.tag = cell.tag;
    this.#cell = cell;
    this.#listeners = listeners;
    this.#settle = settle;
    this.#callbacks = {
      ...(onSoft && { onSoft }),
      ...(onRecover && { onRecover }),
      ...(onHard && { onHard }),
    };
    const limits = merge(cell.limits(), options);
    // First those who listen: what is above a new limit already is told.
    listeners.add(this.#callbacks);
    this.#apply(limits, options);
  }

  /** As they are now, whoever has set them. */
  get limits(): BudgetLimits {
    return this.#cell.limits();
  }

  /**
   * Changes limits for all threads, as `tracker.budget` does; each keeps to them from its next record on. `softBytes` without
   * `recoverBytes` sets both: a `recoverBytes` of before does not stay.
   * @throws ArgumentRangeError, TrackerDisposedError
   */
  update(limits: Partial<BudgetLimits>): void {
    checkNames('limits', limits, LIMITS);
    const merged = merge(this.#cell.limits(), limits);
    this.#settle(); // throws where the tracker is disposed, before anything is changed
    this.#apply(merged, limits);
  }

  /** This thread is not called any more. The limits stay. */
  [Symbol.dispose](): void {
    this.#listeners.delete(this.#callbacks);
  }

  #apply(limits: BudgetLimits, named: Partial<BudgetLimits>): void {
    if (LIMITS.some((name) => named[name] !== undefined)) this.#cell.setLimits(limits);
    this.#settle();
  }
}

function merge(before: BudgetLimits, wanted: Partial<BudgetLimits>): BudgetLimits {
  for (const name of LIMITS) {
    const bytes = wanted[name];
    if (bytes !== undefined && bytes !== Infinity && (!Number.isSafeInteger(bytes) || bytes < 0))
      throw new ArgumentRangeError(name, bytes, 'an integer from 0 to 2^53 - 1, or Infinity');
  }
  const { softBytes = before.softBytes, hardBytes = before.hardBytes } = wanted;
  const usual = softBytes === Infinity ? 0 : Math.floor(softBytes * RECOVER_SHARE);
  const recoverBytes = wanted.recoverBytes ?? (wanted.softBytes === undefined ? before.recoverBytes : usual);
  if (hardBytes < softBytes && softBytes !== Infinity)
    throw new ArgumentRangeError('softBytes', softBytes, `at most hardBytes, ${hardBytes}`);
  if (recoverBytes > softBytes)
    throw new ArgumentRangeError('recoverBytes', recoverBytes, `at most softBytes, ${softBytes}`);
  return { softBytes, recoverBytes, hardBytes };
}
