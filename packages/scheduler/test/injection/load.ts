// Keeps tasks of every kind in flight, and writes how each of them ended into the ledger. Of the owner's thread, and of others.
import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import type { RunOptions, SchedulerClient } from '../../src/index.ts';
import type { Draws } from './draws.ts';
import {
  complaintOf,
  FULFILLED,
  FULFILLED_AT_LAST,
  type LedgerMemory,
  LOST,
  LOST_AT_LAST,
  NEVER_BEGAN,
  PENDING,
  RETRIES,
  THREW,
} from './ledger.ts';
import { fill, injected, isFilled } from './tasks.ts';

/** A scheduler, or a client of one. */
export type Runner = Pick<SchedulerClient, 'run' | 'runMany'>;

export interface LoadOptions {
  readonly runner: Runner;
  readonly ledger: LedgerMemory;
  readonly draws: Draws;
  /** Words of the ledger that are this load's. */
  readonly first: number;
  readonly count: number;
  readonly inFlight: number;
  /** Workers that tasks may be pinned to. */
  readonly threads: number;
  /** Whether there is a slow lane. */
  readonly hasSlowLane: boolean;
}

export const KINDS = {
  count: 50,
  work: 10,
  later: 6,
  text: 12,
  bytes: 12,
  clone: 4,
  generator: 4,
  steps: 6,
  slow: 10,
  slowSteps: 3,
  moved: 3,
  port: 2,
  many: 3,
  pinned: 4,
  due: 4,
  idempotent: 6,
  fail: 4,
  untilAborted: 3,
  aborted: 8,
  timed: 4,
} as const;
export type Kind = keyof typeof KINDS;

export interface LoadReport {
  readonly submitted: number;
  readonly fulfilled: number;
  readonly lost: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly complaints: readonly string[];
}

const SIZES = [0, 40, 300, 5000, 60_000] as const;
const LONGEST_MS = 4;
const LONGEST_US = 2000;
const MOST_STEPS = 20;
const MANY = 40;
const DUE_MS = 60_000;
/** More of the same are of no use. */
const MOST_COMPLAINTS = 20;

export class Load {
  readonly #options: LoadOptions;
  readonly #byKind: Record<string, number> = {};
  readonly #complaints: string[] = [];
  #next = 0;
  #fulfilled = 0;
  #lost = 0;
  #isStopped = false;
  readonly #lane: Pick<RunOptions, 'lane'>;
  /** Settles when all that were submitted have. */
  readonly done: Promise<unknown>;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#lane = options.hasSlowLane ? { lane: 'slow' } : {};
    this.done = Promise.all(Array.from({ length: options.inFlight }, () => this.#submitOn()));
  }

  /** Submits no more. */
  stop(): void {
    this.#isStopped = true;
  }

  get unsettled(): number {
    const { ends } = this.#options.ledger;
    const { first } = this.#options;
    return ends.subarray(first, first + this.#next).filter((end) => end === PENDING).length;
  }

  get report(): LoadReport {
    return {
      submitted: this.#next,
      fulfilled: this.#fulfilled,
      lost: this.#lost,
      byKind: this.#byKind,
      complaints: this.#complaints,
    };
  }

  async #submitOn(): Promise<void> {
    const { draws, first, count, ledger } = this.#options;
    while (!this.#isStopped && this.#next + MANY <= count) {
      const task = first + this.#next;
      const kind = draws.weighted(KINDS);
      const size = kind === 'many' ? MANY : 1;
      this.#next += size;
      ledger.ends.fill(PENDING, task, task + size);
      const priority = draws.next() < 0.2 ? draws.below(21) : 10;
      const ended = await this.#one(kind, task, priority);
      this.#byKind[ended] = (this.#byKind[ended] ?? 0) + 1;
      for (let each = task; each < task + size; each++) {
        ledger.ends[each] = ledger.ends[task] as number;
        // Of many that were lost others may still run.
        const complaint = size > 1 && ended !== kind ? undefined : complaintOf(each, ledger, false);
        if (complaint !== undefined) this.#complain(`${complaint} (${ended})`);
      }
    }
  }

  /** @returns the kind, and where it did not return what a neighbour may have broken, why */
  async #one(kind: Kind, task: number, priority: number): Promise<string> {
    const { ledger } = this.#options;
    const reason = new Error(`task ${task} is not wanted`);
    try {
      const isRight = await this.#submit(kind, task, priority, reason);
      ledger.ends[task] = kind === 'idempotent' ? FULFILLED_AT_LAST : FULFILLED;
      this.#fulfilled += kind === 'many' ? MANY : 1;
      if (!isRight) this.#complain(`task ${task} (${kind}) returned what is not its own`);
      return kind;
    } catch (error) {
      ledger.ends[task] = this.#endOf(kind, task, error, reason);
      return `${kind}: ${error === reason ? 'aborted' : (error as Error).name}`;
    }
  }

  #endOf(kind: Kind, task: number, error: unknown, reason: Error): number {
    const { name, message, wasRunning } = error as Error & { wasRunning?: boolean };
    // A machine that stalls makes any task look stuck.
    if (name === 'WorkerLostError' || name === 'TaskStuckError') {
      this.#lost++;
      return kind === 'idempotent' ? LOST_AT_LAST : LOST;
    }
    if (kind === 'fail' && name === 'RangeError' && message === `task ${task} fails`) return THREW;
    if ((kind === 'aborted' || kind === 'untilAborted') && error === reason) return LOST;
    // Its caps.
    if (kind.startsWith('slow') && (name === 'SlowLaneFullError' || name === 'SourceThrottledError'))
      return NEVER_BEGAN;
    const isLate =
      (kind === 'timed' && name === 'TaskTimeoutError') || (kind === 'due' && name === 'TaskDeadlineError');
    if (isLate) return wasRunning === false ? NEVER_BEGAN : LOST;
    this.#complain(`task ${task} (${kind}) rejected with ${name}: ${message}`);
    return LOST;
  }

  /** @returns whether the result is the right one */
  async #submit(kind: Kind, task: number, priority: number, reason: Error): Promise<boolean> {
    const { runner, draws } = this.#options;
    switch (kind) {
      case 'count':
        return (await runner.run(injected.count, task, { priority })) === task;
      case 'later':
        return (await runner.run(injected.later, task, { priority })) === task;
      case 'work': {
        const us = draws.below(LONGEST_US);
        return (await runner.run(injected.work, { task, us }, { priority })) === task;
      }
      case 'generator': {
        const yields = draws.below(MOST_STEPS);
        return (await runner.run(injected.generator, { task, yields }, { priority })) === task;
      }
      case 'slow': {
        const us = draws.below(LONGEST_US);
        return (await runner.run(injected.work, { task, us }, { priority, ...this.#lane })) === task;
      }
      case 'steps':
      case 'slowSteps': {
        const left = draws.below(MOST_STEPS);
        const bytes = fill(task, draws.of(SIZES));
        const options = { priority, ...(kind === 'slowSteps' && this.#lane) };
        return (await runner.run(injected.steps, { task, left, taken: 0, bytes }, options)) === left;
      }
      case 'moved': {
        const { length, buffer } = fill(task, draws.of(SIZES));
        const options = { priority, transferList: [buffer as ArrayBuffer] };
        const result = await runner.run(injected.moved, { task, buffer: buffer as ArrayBuffer }, options);
        return result.byteLength === length && isFilled(new Uint8Array(result), task);
      }
      case 'port': {
        const { port1, port2 } = new MessageChannel();
        const heard = once(port1, 'message') as Promise<[number]>;
        try {
          const result = await runner.run(
            injected.port,
            { task, port: port2 },
            { priority, transferList: [port2] },
          );
          return result === task && (await heard)[0] === task;
        } finally {
          port1.close();
        }
      }
      case 'many': {
        const list = Array.from({ length: MANY }, (_, n) => task + n);
        const results = await runner.runMany(injected.count, list, { priority });
        return results.length === MANY && results.every((result, n) => result === list[n]);
      }
      case 'pinned': {
        const pin = { worker: draws.below(this.#options.threads) };
        return (await runner.run(injected.count, task, { priority, pin })) === task;
      }
      case 'due': {
        const inMs = draws.next() < 0.5 ? DUE_MS : 1 + draws.below(LONGEST_MS);
        const deadlineMs = performance.timeOrigin + performance.now() + inMs;
        const us = draws.below(LONGEST_US);
        return (await runner.run(injected.work, { task, us }, { priority, deadlineMs })) === task;
      }
      case 'idempotent': {
        const us = draws.below(LONGEST_US);
        const options = { priority, idempotent: true, retries: RETRIES };
        return (await runner.run(injected.work, { task, us }, options)) === task;
      }
      case 'untilAborted': {
        const controller = new AbortController();
        const timer = setTimeout(() => controller.abort(reason), draws.below(LONGEST_MS));
        try {
          await runner.run(injected.untilAborted, task, { priority, signal: controller.signal });
          return false;
        } finally {
          clearTimeout(timer);
        }
      }
      case 'fail':
        return (await runner.run(injected.fail, task, { priority })) === task;
      case 'text': {
        const text = 'x'.repeat(draws.of(SIZES));
        return (await runner.run(injected.text, [task, text], { priority })) === `${task}:${text}`;
      }
      case 'bytes': {
        const length = draws.of(SIZES);
        const bytes = fill(task, draws.of(SIZES));
        const result = await runner.run(injected.bytes, [task, bytes, length], { priority });
        return result.length === length && isFilled(result, task);
      }
      case 'clone': {
        const seen = new Map([[draws.below(1000), 'a']]);
        const result = await runner.run(injected.clone, { task, seen }, { priority });
        return result.get('a') === task + (seen.keys().next().value as number);
      }
      case 'aborted': {
        const controller = new AbortController();
        const timer = setTimeout(() => controller.abort(reason), draws.below(LONGEST_MS));
        const us = draws.below(LONGEST_US);
        try {
          const { signal } = controller;
          return (await runner.run(injected.work, { task, us }, { priority, signal })) === task;
        } finally {
          clearTimeout(timer);
        }
      }
      case 'timed': {
        const timeoutMs = 1 + draws.below(LONGEST_MS);
        const us = draws.below(LONGEST_US);
        return (await runner.run(injected.work, { task, us }, { priority, timeoutMs, graceMs: 0 })) === task;
      }
    }
  }

  #complain(complaint: string): void {
    if (this.#complaints.length < MOST_COMPLAINTS) this.#complaints.push(complaint);
  }
}
