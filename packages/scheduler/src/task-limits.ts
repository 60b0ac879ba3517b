// What ends a task before its time: a signal, a time-out, a deadline. One listener for each signal, however many tasks have it.
import { TaskDeadlineError, TaskTimeoutError } from './errors.ts';
import { ENDED, epochMs, type TaskTerms } from './task-terms.ts';

export type Limit = 'signal' | 'timeout' | 'deadline';

/** What a timer of Node can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class TaskLimits {
  readonly #cut: (terms: TaskTerms, limit: Limit) => void;
  readonly #bySignal = new Map<AbortSignal, Set<TaskTerms>>();
  readonly #onAbort = (event: Event): void => {
    for (const terms of this.#bySignal.get(event.target as AbortSignal) ?? []) this.#cut(terms, 'signal');
  };

  /** @param cut a limit has come: whatever the task is doing */
  constructor(cut: (terms: TaskTerms, limit: Limit) => void) {
    this.#cut = cut;
  }

  /** From here on its limits end the task. */
  begin(terms: TaskTerms): void {
    const { signal, timeoutMs, deadlineMs } = terms;
    if (signal !== undefined) this.#listen(signal, terms);
    const restMs = deadlineMs === undefined ? Infinity : deadlineMs - epochMs();
    if (timeoutMs !== undefined && timeoutMs <= restMs)
      terms.timer = setTimeout(() => this.#cut(terms, 'timeout'), timeoutMs);
    else if (deadlineMs !== undefined) this.#await(terms, deadlineMs, restMs);
    this.check(terms);
  }

  /** After code of its users ran while it was MOVING: an abort was not heard then. */
  check(terms: TaskTerms): void {
    if (terms.signal?.aborted === true && terms.slot !== ENDED) this.#cut(terms, 'signal');
  }

  /** Nothing ends it any more. */
  end(terms: TaskTerms): void {
    terms.slot = ENDED;
    clearTimeout(terms.timer);
    const { signal } = terms;
    if (signal === undefined) return;
    const others = this.#bySignal.get(signal);
    if (others?.delete(terms) !== true || others.size > 0) return;
    this.#bySignal.delete(signal);
    signal.removeEventListener('abort', this.#onAbort);
  }

  #listen(signal: AbortSignal, terms: TaskTerms): void {
    let all = this.#bySignal.get(signal);
    if (all === undefined) {
      all = new Set();
      this.#bySignal.set(signal, all);
      signal.addEventListener('abort', this.#onAbort);
    }
    all.add(terms);
  }

  #await(terms: TaskTerms, deadlineMs: number, restMs: number): void {
    terms.timer = setTimeout(
      () => {
        const stillMs = deadlineMs - epochMs();
        // Timers are a fraction of a millisecond early at times.
        if (stillMs > 0) this.#await(terms, deadlineMs, stillMs);
        else this.#cut(terms, 'deadline');
      },
      Math.min(Math.max(1, Math.ceil(restMs)), LONGEST_TIMER_MS),
    );
  }
}

/** What a task rejects with. */
export function reasonOf(terms: TaskTerms, limit: Limit, wasRunning: boolean): unknown {
  switch (limit) {
    case 'signal':
      return terms.signal?.reason;
    case 'timeout':
      return new TaskTimeoutError(terms.task, terms.timeoutMs as number, wasRunning);
    case 'deadline':
      return new TaskDeadlineError(terms.task, terms.deadlineMs as number, wasRunning);
  }
}
