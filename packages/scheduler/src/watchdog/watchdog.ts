// Looks every now and then whether a worker is in a poll for too long: reports it, with where in its code it is, and ends the worker where it must. PROTOCOL.md, section 13.
//
// It runs on the owner's thread, or on one of its own (thread.ts).
import { GIVEN_UP } from '../layout.ts';
import type { SchedulerTable } from '../table.ts';
import { stackOf, type Inspected } from './inspected-thread.ts';
import type { WatchdogPlan } from './options.ts';
import { PollSampler, type Poll } from './poll-sampler.ts';

/** A poll that takes longer than `slowMs`. Plain data. */
export interface SlowTask {
  /** Its name. Where an event loop does not turn and several tasks wait for something, the names of all, as it is not known which it is; `(none)` where none does. */
  readonly task: string;
  /** Index of its worker. */
  readonly worker: number;
  readonly threadId: number;
  /** How long the poll has lasted, at least. */
  readonly ms: number;
  /** The limit that it is beyond: `slowMs`, or `killMs`. */
  readonly limitMs: number;
  /** Where it is in its code: a line for each frame, as of the stack of an error. */
  readonly stack: string | undefined;
  /** Why that is not known. */
  readonly noStack: string | undefined;
}

export interface WatchdogPorts {
  slow(task: SlowTask): void;
  /** Its worker takes no more tasks, and is to be terminated. */
  stuck(task: SlowTask): void;
}

interface Capture {
  readonly threadId: number;
  readonly count: number;
  readonly ping: number | undefined;
  readonly answer: Promise<Inspected>;
}

export class Watchdog implements Disposable {
  readonly #table: SchedulerTable;
  readonly #plan: WatchdogPlan;
  readonly #ports: WatchdogPorts;
  readonly #sampler: PollSampler;
  readonly #timer: NodeJS.Timeout;
  /** The last one of each worker. */
  readonly #captures: (Capture | undefined)[] = [];
  /** Looks so far. */
  looks = 0;

  constructor(table: SchedulerTable, plan: WatchdogPlan, ports: WatchdogPorts) {
    this.#table = table;
    this.#plan = plan;
    this.#ports = ports;
    this.#sampler = new PollSampler(table, plan);
    this.#timer = setInterval(() => this.#look(), plan.sampleMs).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.looks++;
    const nowMs = performance.now();
    for (let worker = 0; worker < this.#table.threads; worker++) {
      const finding = this.#sampler.look(worker, nowMs);
      if (finding === 'nothing') continue;
      const poll = this.#sampler.pollOf(worker);
      if (poll === undefined) continue;
      if (finding === 'slow') void this.#report(poll);
      else void this.#end(poll);
    }
  }

  async #report(poll: Poll): Promise<void> {
    const ms = this.#lastedMs(poll);
    const found = await this.#stackOf(poll);
    this.#ports.slow(this.#describe(poll, ms, this.#plan.slowMs, found));
  }

  async #end(poll: Poll): Promise<void> {
    const found = await this.#stackOf(poll);
    if (!this.#sampler.isUnderWay(poll)) return;
    const ms = this.#lastedMs(poll);
    const { kernel, at } = this.#table;
    if (poll.slot >= 0 && kernel.giveUpSlot(at, poll.slot, poll.worker + 1, poll.generation) !== GIVEN_UP)
      return;
    this.#ports.stuck(this.#describe(poll, ms, this.#plan.killMs, found));
  }

  #lastedMs(poll: Poll): number {
    return this.#sampler.lastedMs(poll, performance.now());
  }

  #stackOf(poll: Poll): Promise<Inspected> {
    const { captureStack, stackTimeoutMs } = this.#plan;
    if (!captureStack) return Promise.resolve({ reason: 'option watchdog.captureStack is false' });
    const last = this.#captures[poll.worker];
    if (last?.count === poll.count && last.ping === poll.ping && last.threadId === poll.threadId)
      return last.answer;
    const answer = stackOf(poll.threadId, stackTimeoutMs).then((found) =>
      this.#sampler.isUnderWay(poll) ? found : { reason: 'the poll ended before its stack was taken' },
    );
    this.#captures[poll.worker] = { threadId: poll.threadId, count: poll.count, ping: poll.ping, answer };
    return answer;
  }

  #describe(poll: Poll, ms: number, limitMs: number, { value, reason }: Inspected): SlowTask {
    const { task, worker, threadId } = poll;
    return { task, worker, threadId, ms, limitMs, stack: value, noStack: reason };
  }
}
