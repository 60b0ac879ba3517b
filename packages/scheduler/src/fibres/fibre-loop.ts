// The loop of fibres on one thread: which goes on, for how long, and when the event loop has its turn. All that is hot is here.
import { AsyncLocalStorage } from 'node:async_hooks';
import { TurnClock } from '../turn-clock.ts';
import { FibreYieldError } from './errors.ts';
import type { FibrePlan } from './fibre-options.ts';
import type { FibreGenerator, FibreTask, FibreYield } from './fibre-task.ts';
import type { FibreWatch } from './fibre-watch.ts';
import { IsolatedQueue } from './isolated-queue.ts';
import { readyQueue, type ReadyQueue } from './ready-queue.ts';
import { SwitchStatistics } from './switch-statistics.ts';
import { isGiveWay, isMask, pause, RESUME, Wait, type WaitHost } from './waits.ts';

// How a fibre has stopped running.

/** It waits, or has ended. */
const STOPPED = 0;
/** It could go on, when its equals have had their turn. */
const TURN_OVER = 1;
/** It could go on, and comes before its equals with what is left of its slice. */
const INTERRUPTED = 2;

/** What of its scheduler a loop needs. */
export interface LoopHost extends WaitHost {
  ended(task: FibreTask, state: 'finished' | 'failed' | 'cancelled', value: unknown): void;
}

export class FibreLoop {
  readonly switches: SwitchStatistics;
  polls = 0;
  preempted = 0;
  turns = 0;
  readonly #host: LoopHost;
  readonly #plan: FibrePlan;
  readonly #watch: FibreWatch | undefined;
  readonly #clock = new TurnClock();
  readonly #ready: ReadyQueue;
  #current: FibreTask | undefined = undefined;
  /** The one that ran last. */
  #last: FibreTask | undefined = undefined;
  #isScheduled = false;
  /** Fibres run in the async context in which their scheduler was made, whoever has woken them. */
  readonly #inContext = AsyncLocalStorage.snapshot();
  /** When the event loop has had its last turn, as far as is known. */
  #turnMs = 0;
  /** When the loop stops for its next one; and after how many polls it does. */
  #turnDueMs = 0;
  #pollEnd = 0;
  #untilTimed: number;
  /** Is resumed in place of the next fibre where a switch is timed. */
  readonly #probe = probe();

  /** @param watch undefined: no budgets */
  constructor(plan: FibrePlan, host: LoopHost, watch: FibreWatch | undefined) {
    const { policy, ageingMs, switchTargetNs, timeEvery, isolatedShare } = plan;
    this.#plan = plan;
    this.#host = host;
    this.#watch = watch;
    const queue = readyQueue(policy, ageingMs, this.#clock);
    this.#ready =
      watch === undefined || isolatedShare === 1 ? queue : new IsolatedQueue(queue, isolatedShare);
    this.switches = new SwitchStatistics('fibre switch', switchTargetNs);
    this.#untilTimed = timeEvery === 0 ? -1 : timeEvery;
  }

  /** Fibres that could go on. */
  get ready(): number {
    return this.#ready.size;
  }

  /** Resumes fibres that are ready, here and now. @returns how many times */
  poll(most: number): number {
    if (this.#current !== undefined || most === 0) return 0;
    this.#clock.look();
    const before = this.polls;
    this.#inContext(() => this.#run(most, Infinity));
    return this.polls - before;
  }

  /** It could go on, or begin. */
  makeReady(task: FibreTask): void {
    const isIdle = !this.#isScheduled && this.#current === undefined;
    if (isIdle) this.#clock.look();
    task.state = 'ready';
    this.#ready.add(task);
    if (!isIdle) return;
    if (this.#clock.nowMs - this.#turnMs >= this.#plan.turnEveryMs) this.#schedule();
    else {
      // At once: the event loop has had a turn not long ago.
      this.#isScheduled = true;
      queueMicrotask(this.#continue);
    }
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.turns++;
    this.#clock.begin();
    this.#turnMs = this.#clock.nowMs;
    this.#continue();
  };

  readonly #continue = (): void => {
    this.#isScheduled = false;
    if (this.#current !== undefined) return;
    this.#clock.look();
    this.#inContext(this.#runOn);
  };

  readonly #runOn = (): void => this.#run(Infinity, this.#plan.turnEveryMs);

  /** @param turnEveryMs Infinity: the event loop waits, however long it takes */
  #run(most: number, turnEveryMs: number): void {
    const clock = this.#clock;
    const ready = this.#ready;
    this.#pollEnd = this.polls + most;
    this.#turnDueMs = this.#turnMs + turnEveryMs;
    this.#watch?.beginRun();
    let task = ready.take();
    while (task !== undefined) {
      if (task !== this.#last) {
        this.#last = task;
        this.switches.count++;
      }
      task.state = 'running';
      task.sliceEndMs = clock.nowMs + (task.leftMs > 0 ? task.leftMs : task.sliceMs);
      this.#current = task;
      const end = this.#resume(task);
      this.#current = undefined;
      const isTimed = --this.#untilTimed === 0;
      if (isTimed) this.switches.begin();
      if (end !== STOPPED) {
        task.state = 'ready';
        if (end === INTERRUPTED) ready.putBack(task);
        else ready.add(task);
      }
      task = this.#isOver() ? undefined : ready.take();
      if (isTimed) this.#timeSwitch(task);
    }
    if (ready.size > 0 && !this.#isScheduled) this.#schedule();
  }

  /** Whether `#run` returns: the event loop is to have a turn, or there were as many polls as were asked for. */
  #isOver(): boolean {
    return this.#clock.nowMs >= this.#turnDueMs || this.polls >= this.#pollEnd;
  }

  /** @param next undefined: there was no switch */
  #timeSwitch(next: FibreTask | undefined): void {
    const isSwitch = next !== undefined && next !== this.#last;
    if (isSwitch) {
      this.#probe.next(RESUME);
      this.switches.end();
    }
    this.#untilTimed = isSwitch ? this.#plan.timeEvery : 1;
  }

  /** Runs a fibre until it makes way, waits or ends. */
  #resume(task: FibreTask): typeof STOPPED | typeof TURN_OVER | typeof INTERRUPTED {
    const clock = this.#clock;
    const watch = this.#watch;
    task.leftMs = 0;
    for (;;) {
      this.polls++;
      task.polls++;
      if (watch !== undefined) watch.begin(task, clock);
      let yielded: IteratorResult<FibreYield, unknown>;
      try {
        yielded = task.hasNews ? task.tell() : task.generator.next(RESUME);
      } catch (error) {
        if (watch !== undefined) watch.end(task, clock, 'failed');
        this.#host.ended(task, 'failed', error);
        return STOPPED;
      }
      if (watch !== undefined) watch.end(task, clock, yielded.done === true ? 'done' : 'pending');
      else clock.step();
      if (yielded.done === true) {
        if (task.isCancelled) this.#host.ended(task, 'cancelled', task.reason);
        else this.#host.ended(task, 'finished', yielded.value);
        return STOPPED;
      }
      const { value } = yielded;
      if (value === undefined) {
        const end = this.#atYield(task);
        if (end === STOPPED) continue;
        return end;
      }
      if (isGiveWay(value)) {
        if (watch !== undefined) watch.yielded(task, 'own');
        return TURN_OVER;
      }
      if (!(value instanceof Wait) || value.isBegun) task.refuse(refusal(task, value));
      else if (task.hasNews && !isMask(value)) value.forgo();
      else if (this.#wait(task, value)) return STOPPED;
    }
  }

  /** It has yielded, and could go on. @returns STOPPED: it does */
  #atYield(task: FibreTask): typeof STOPPED | typeof TURN_OVER | typeof INTERRUPTED {
    const watch = this.#watch;
    const leftMs = task.sliceEndMs - this.#clock.nowMs;
    const why = watch === undefined ? undefined : watch.isDue(task);
    if (leftMs <= 0 || why !== undefined) {
      this.preempted++;
      if (watch !== undefined) watch.yielded(task, why ?? 'budget');
      return TURN_OVER;
    }
    if (!this.#ready.isOutranked(task) && !this.#isOver()) return STOPPED;
    this.preempted++;
    task.leftMs = leftMs;
    return INTERRUPTED;
  }

  /** @returns whether it waits */
  #wait(task: FibreTask, wait: Wait): boolean {
    wait.isBegun = true;
    task.state = wait.state;
    task.wait = wait;
    if (wait.begin(this.#host, task)) return true;
    task.state = 'running';
    task.wait = undefined;
    return false;
  }
}

function* probe(): FibreGenerator<never> {
  for (;;) yield* pause;
}

/** Why what it has yielded means nothing. */
function refusal({ name }: FibreTask, found: unknown): FibreYieldError {
  if (found instanceof Wait) return new FibreYieldError(name, 'what a fibre has waited for before');
  const what = found instanceof Promise ? 'a promise' : Object.prototype.toString.call(found);
  return new FibreYieldError(name, what);
}
