// Who is told, on this thread, that a tag has crossed a limit: callbacks, and a diagnostics channel.
import { channel } from 'node:diagnostics_channel';
import { threadId } from 'node:worker_threads';
import type { TagCell } from './tag-cell.ts';
import type { TagScope } from './tag-scope.ts';

/** Name of the diagnostics channel on which each thread publishes the `BudgetEvent`s that it causes. */
export const BUDGET_CHANNEL = 'corelane:memory-tracker:budget';

export interface BudgetEvent {
  /** The soft limit was crossed upwards; it was `recovered` from; or the hard limit has `refused` an allocation. */
  readonly kind: 'soft' | 'recovered' | 'refused';
  readonly tag: string;
  readonly scope: TagScope;
  /** Held when it was told, by the tag or, of a tag by worker, by this worker. */
  readonly currentBytes: number;
  /** Of the limit that it is about. */
  readonly limitBytes: number;
  /** What was asked for, where that was refused; else 0. */
  readonly requestedBytes: number;
  readonly threadId: number;
  readonly worker: number;
}

/** Called on the thread whose record crosses the limit, before that record returns. What they throw is an uncaught exception. */
export interface BudgetCallbacks {
  readonly onSoft?: (event: BudgetEvent) => void;
  readonly onRecover?: (event: BudgetEvent) => void;
  /** `true`: it has freed something; the allocation is tried again, once. */
  readonly onHard?: (event: BudgetEvent) => boolean | void;
}

const events = channel(BUDGET_CHANNEL);

export class BudgetListeners {
  readonly #cell: TagCell;
  readonly #worker: number;
  readonly #callbacks = new Set<BudgetCallbacks>();
  /** A callback that allocates above the limit itself is refused without being asked, and so is what is tried again. */
  #isRefusing = false;

  constructor(cell: TagCell, worker: number) {
    this.#cell = cell;
    this.#worker = worker;
  }

  add(callbacks: BudgetCallbacks): void {
    this.#callbacks.add(callbacks);
  }

  delete(callbacks: BudgetCallbacks): void {
    this.#callbacks.delete(callbacks);
  }

  crossed(kind: 'soft' | 'recovered', currentBytes: number, limitBytes: number): void {
    const event = this.#event(kind, currentBytes, limitBytes, 0);
    for (const { onSoft, onRecover } of this.#callbacks) call(kind === 'soft' ? onSoft : onRecover, event);
    this.#publish(event);
  }

  /** @returns whether the allocation may be tried again */
  refused(bytes: number, currentBytes: number, limitBytes: number): boolean {
    this.#cell.countRefusal();
    const event = this.#event('refused', currentBytes, limitBytes, bytes);
    let isFreed = false;
    if (!this.#isRefusing) {
      this.#isRefusing = true;
      for (const { onHard } of this.#callbacks) isFreed = call(onHard, event) === true || isFreed;
      this.#isRefusing = false;
    }
    this.#publish(event);
    return isFreed;
  }

  #event(
    kind: BudgetEvent['kind'],
    currentBytes: number,
    limitBytes: number,
    requestedBytes: number,
  ): BudgetEvent {
    const { tag, scope = 'shared' } = this.#cell;
    return { kind, tag, scope, currentBytes, limitBytes, requestedBytes, threadId, worker: this.#worker };
  }

  #publish(event: BudgetEvent): void {
    this.#cell.announce();
    if (events.hasSubscribers) events.publish(event);
  }
}

/** As listeners of Node's EventTarget: a record that is done does not fail because of who hears of it. */
function call<R>(callback: ((event: BudgetEvent) => R) | undefined, event: BudgetEvent): R | undefined {
  try {
    return callback?.(event);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return undefined;
  }
}
