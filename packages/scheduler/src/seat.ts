// The place of one worker: it has a thread, or had one, or will.
import type { Worker } from 'node:worker_threads';
import type { SlowTask } from './watchdog/watchdog.ts';

/** `leaving`: it takes no more tasks, and its thread ends. */
export type WorkerState = 'starting' | 'ready' | 'leaving' | 'terminating' | 'ended';

/** When a thread that is terminated and does not end is so once more, each time twice as late, and how often. Guessed; more often Node warns of too many listeners. */
const END_AGAIN_MS = 50;
const MOST_ENDS = 8;

/** A worker as others see it, at a moment. */
export interface WorkerInfo {
  /** 0 to maxThreads - 1; those of the slow lane follow. */
  readonly index: number;
  /** Whether it is a worker of the slow lane. */
  readonly isSlow: boolean;
  /** -1 where no thread runs. */
  readonly threadId: number;
  readonly state: WorkerState;
  /** For messages, its streams and performance; undefined where no thread runs. To terminate it is to lose its tasks. */
  readonly worker: Worker | undefined;
}

export class Seat implements WorkerInfo {
  readonly index: number;
  readonly isSlow: boolean;
  worker: Worker | undefined;
  threadId = -1;
  state: WorkerState = 'ended';
  startMs = 0;
  /** It ended because of an uncaught error. */
  failure: unknown;
  /** What names its thread to the `Interrupt`, where it can be parked. */
  parkTicket: unknown;
  /** Its poll did not end, and it was given up. */
  stuck: SlowTask | undefined;
  /** Tasks that workers of this index had ended when its thread was started. */
  endedBefore = 0;
  /** Early ends in a row. */
  earlyEnds = 0;
  /** A thread starts when this fires. */
  restart: NodeJS.Timeout | undefined;
  /** It is terminated once more when this fires. */
  again: NodeJS.Timeout | undefined;
  /** It is terminated when this fires. */
  grace: NodeJS.Timeout | undefined;
  /** Settles when its thread has ended and was cleaned up after. */
  ended: Promise<void> = Promise.resolve();
  /** What it had done when it was looked at last, and when that changed. */
  activity = 0;
  activeMs = 0;

  constructor(index: number, isSlow: boolean) {
    this.index = index;
    this.isSlow = isSlow;
  }

  /** Again and again: what an inspector evaluates on the thread just then, this package's own included, takes the termination upon itself, and the task goes on. */
  endThread(times = 0): void {
    clearTimeout(this.again);
    void this.worker?.terminate();
    if (times >= MOST_ENDS) return;
    this.again = setTimeout(() => this.endThread(times + 1), END_AGAIN_MS * 2 ** times).unref();
  }

  /** As its state words count workers: from 1. */
  get party(): number {
    return this.index + 1;
  }

  /** Whether there is neither a thread nor one to come. */
  get isVacant(): boolean {
    return this.state === 'ended' && this.restart === undefined;
  }

  /** Whether it takes tasks, or will. */
  get isManned(): boolean {
    return this.state === 'starting' || this.state === 'ready' || this.restart !== undefined;
  }
}
