// One scheduler under load, whose workers and clients end at random points, in every way there is; then everything is looked at.
// A little longer than other files: each way to end a worker, and what is looked at afterwards, is a few lines of one course.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  POLICIES,
  Scheduler,
  type SchedulerOptions,
  type WorkerDestroyed,
  type WorkerInfo,
} from '../../src/index.ts';
import type { TierOptions } from '../../src/budgets/index.ts';
import type { ClientData } from './client.ts';
import type { Draws } from './draws.ts';
import { complaintOf, type LedgerMemory, ledgerMemory, PENDING, setAsideOn } from './ledger.ts';
import { Load, type LoadReport } from './load.ts';
import { missingIn } from './memory.ts';
import { injected, SLOW_US } from './tasks.ts';

const HOOKS = new URL('./hooks.ts', import.meta.url);

/** Ways to end, or to be disturbed, and how often. `exhaust` takes longer than all others together. */
const WAYS = {
  hooks: 10,
  terminate: 30,
  timeout: 30,
  hang: 8,
  stuck: 6,
  abort: 12,
  exit: 10,
  throwWhile: 6,
  throwLater: 6,
  reject: 4,
  exhaust: 1,
  client: 8,
} as const;
export type Way = keyof typeof WAYS;

export interface EpochOptions {
  readonly draws: Draws;
  readonly milliseconds: number;
  /** Beside those that are drawn. */
  readonly scheduler?: SchedulerOptions;
}

export interface EpochReport {
  readonly setting: string;
  readonly kills: Readonly<Record<string, number>>;
  readonly submitted: number;
  readonly fulfilled: number;
  readonly lost: number;
  readonly byKind: Readonly<Record<string, number>>;
  /** What must not be. */
  readonly complaints: readonly string[];
}

/** What tasks that end their worker reject with, beside WorkerLostError. */
const ENDS: Readonly<Partial<Record<Way, string>>> = {
  timeout: 'TaskTimeoutError',
  hang: 'TaskTimeoutError',
  stuck: 'TaskStuckError',
  abort: 'TimeoutError',
};

const OWN_TASKS = 400_000;
const CLIENT_TASKS = 40_000;
const MOST_CLIENTS = 12;
const LEDGER = OWN_TASKS + MOST_CLIENTS * CLIENT_TASKS;
const LONGEST_PAUSE_MS = 25;
/** Any task of some hundred microseconds rises to the last tier. */
const STRICT: TierOptions = {
  cpuBudgetMs: SLOW_US / 2000,
  slowPollMs: SLOW_US / 2000,
  promotionHysteresisMs: 0,
  demotionHysteresisMs: 5,
  coolDownMs: 5,
  tiers: {
    monitor: { violations: 1, goodPolls: 20, minMs: 5 },
    warn: { violations: 1, goodPolls: 20, minMs: 5 },
    yield: { violations: 1, goodPolls: 20, minMs: 5 },
    isolate: { goodPolls: 20, minMs: 5 },
  },
};
/** A poll that takes so long is ended by the watchdog, where there is one: no other task comes near it, unless the machine stalls. */
const STUCK_MS = 400;
/** Far longer than anything here takes between two things that end, the back-off of workers included. */
const HANGS_MS = 30_000;
/** And so many times as long for all of it: what goes on for ever is as wrong as what stands still. */
const MOST_HANGS = 3;
const SOME = 50;
/** Tasks that end their worker, at once: where all tasks do, no other ever runs. */
const MOST_UNDER_WAY = 2;
/** For each worker: where it ends again and again, its successors come later and later. Time-outs do not count. */
const MOST_CRASHES = 4;

/**
 * Waits for a promise while there is progress: a machine that others use is slow, and hangs nothing.
 * @param ended a number that grows with everything that ends
 * @returns undefined, or that nothing has ended for `HANGS_MS`, or not all within `MOST_HANGS` times as much
 */
async function inTime(
  what: string,
  promise: Promise<unknown>,
  ended: () => number,
): Promise<string | undefined> {
  const controller = new AbortController();
  const isDone = promise.then(() => true);
  try {
    for (let i = 1; i <= MOST_HANGS; i++) {
      const before = ended();
      const timer = delay(HANGS_MS, false, { signal: controller.signal });
      timer.catch(() => {});
      if (await Promise.race([isDone, timer])) return undefined;
      if (ended() === before)
        return `${what}: nothing ended in ${HANGS_MS} ms, after ${(i - 1) * HANGS_MS} ms`;
    }
    return `${what}: not within ${MOST_HANGS * HANGS_MS} ms`;
  } finally {
    controller.abort();
  }
}

export class Epoch {
  readonly #draws: Draws;
  readonly #milliseconds: number;
  readonly #ledger: LedgerMemory = ledgerMemory(LEDGER);
  readonly #scheduler: Scheduler;
  readonly #setting: string;
  readonly #kills: Record<string, number> = {};
  readonly #complaints: string[] = [];
  readonly #reports: LoadReport[] = [];
  readonly #hasMemoryLimit: boolean;
  readonly #hasWatchdog: boolean;
  readonly #hasSlowLane: boolean;
  readonly #hasBudgets: boolean;
  /** Whether generators and tasks of steps, and no others, lie begun on a worker beside those that it may run at once. */
  readonly #areSliced: boolean;
  readonly #concurrentTasks: number;
  /** By index: of the worker that was there last. */
  readonly #threadIds = new Map<number, number>();
  readonly #minThreads: number;
  /** Of tasks that end their worker. */
  readonly #killers: Promise<unknown>[] = [];
  /** Of clients that were terminated: first tasks of theirs. */
  readonly #terminated: number[] = [];
  #client: { worker: Worker; first: number } | undefined;
  #clients = 0;
  #destroyed = 0;
  #crashes = 0;
  #underWay = 0;

  constructor({ draws, milliseconds, scheduler = {} }: EpochOptions) {
    this.#draws = draws;
    this.#milliseconds = milliseconds;
    const threads = draws.of([1, 2, 2, 3]);
    const slots = draws.of([16, 64, 512]);
    const payloadMemoryBytes = draws.of([2 ** 19, 2 ** 24]);
    this.#hasMemoryLimit = draws.next() < 0.5;
    const policy = draws.of(POLICIES);
    const minThreads = draws.of([threads, threads, 1]);
    this.#minThreads = minThreads;
    this.#concurrentTasks = draws.of([1, 1, 4]);
    this.#hasWatchdog = draws.next() < 0.5;
    const thread = draws.next() < 0.5;
    const watch = !this.#hasWatchdog ? 'none' : thread ? 'a thread of its own' : 'the owner';
    this.#hasSlowLane = draws.next() < 0.6;
    // So few that caps are met.
    const slowLane = {
      workers: draws.of([1, 1, 2]),
      capacity: draws.of([8, slots]),
      perSource: draws.of([4, 8]),
      boostMs: draws.of([2, 1000]),
      niceIncrement: 0,
    };
    this.#hasBudgets = draws.next() < 0.5;
    this.#areSliced = this.#hasBudgets || policy === 'roundRobin';
    const slow = this.#hasSlowLane ? `${slowLane.workers} workers for up to ${slowLane.capacity}` : 'none';
    this.#setting = `${policy}, ${minThreads} to ${threads} workers of ${this.#concurrentTasks}, ${slots} slots, ${payloadMemoryBytes / 1024} KiB of blocks, watchdog: ${watch}, slow lane: ${slow}, budgets: ${this.#hasBudgets ? 'strict' : 'none'}`;
    this.#scheduler = Scheduler.create({
      minThreads,
      maxThreads: threads,
      idleTimeoutMs: 5,
      policy,
      ...(policy === 'roundRobin' && { sliceMs: 1 }),
      graceMs: draws.of([2, 20, 1000]),
      concurrentTasksPerWorker: this.#concurrentTasks,
      slots,
      payloadBytes: 2 ** 17,
      payloadMemoryBytes,
      workerData: this.#ledger,
      ...(this.#hasMemoryLimit && { resourceLimits: { maxOldGenerationSizeMb: 24 } }),
      slowLane: this.#hasSlowLane && slowLane,
      ...(this.#hasBudgets && { budgets: STRICT, hooks: HOOKS }),
      ...(this.#hasWatchdog && { watchdog: { slowMs: STUCK_MS / 2, killMs: STUCK_MS, thread } }),
      ...scheduler,
    });
    this.#scheduler.on('error', () => {}); // workers that end between tasks: as many as are injected
    this.#scheduler.on('workerCreate', ({ worker, threadId }) => this.#threadIds.set(worker, threadId));
    this.#scheduler.on('workerDestroy', (event) => this.#onDestroy(event));
  }

  async run(): Promise<EpochReport> {
    await this.#underLoad();
    const sum = (of: (report: LoadReport) => number): number =>
      this.#reports.reduce((total, report) => total + of(report), 0);
    const byKind: Record<string, number> = {};
    for (const report of this.#reports)
      for (const [kind, count] of Object.entries(report.byKind)) byKind[kind] = (byKind[kind] ?? 0) + count;
    return {
      setting: this.#setting,
      kills: this.#kills,
      submitted: sum(({ submitted }) => submitted),
      fulfilled: sum(({ fulfilled }) => fulfilled),
      lost: sum(({ lost }) => lost),
      byKind,
      complaints: [...this.#complaints, ...this.#reports.flatMap((report) => report.complaints)],
    };
  }

  async #underLoad(): Promise<void> {
    await this.#scheduler.ready;
    const load = new Load({
      runner: this.#scheduler,
      ledger: this.#ledger,
      draws: this.#draws,
      first: 0,
      count: OWN_TASKS,
      inFlight: 100,
      threads: this.#scheduler.threads,
      hasSlowLane: this.#hasSlowLane,
    });
    await this.#startClient();
    const end = performance.now() + this.#milliseconds;
    while (performance.now() < end) {
      await delay(this.#draws.next() * LONGEST_PAUSE_MS);
      if (this.#underWay < MOST_UNDER_WAY && this.#readyWorkers().length > 0)
        await this.#kill(this.#draws.weighted(WAYS));
    }
    load.stop();
    const hung = await inTime('settling', Promise.all([load.done, ...this.#killers]), this.#ended);
    if (hung !== undefined)
      this.#complaints.push(`${hung}: ${load.unsettled} tasks, ${JSON.stringify(this.#scheduler.stats())}`);
    await this.#stopClient();
    this.#reports.push(load.report);
    if (hung === undefined) await this.#lookAfterwards();
    await this.#complainIfHung('closing', this.#scheduler.close({ timeoutMs: HANGS_MS / 2 }));
    this.#audit(hung === undefined ? SOME : 0);
  }

  async #startClient(): Promise<void> {
    if (this.#clients === MOST_CLIENTS) return;
    const first = OWN_TASKS + this.#clients++ * CLIENT_TASKS;
    const workerData: ClientData = {
      handle: this.#scheduler.handle,
      seed: this.#draws.below(2 ** 31),
      first,
      count: CLIENT_TASKS,
      inFlight: 20,
      threads: this.#scheduler.threads,
      hasSlowLane: this.#hasSlowLane,
      ...this.#ledger,
    };
    const worker = new Worker(new URL('./client.ts', import.meta.url), {
      workerData,
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
    worker.on('error', (error) => this.#complaints.push(`a client ended: ${String(error)}`));
    this.#scheduler.reclaimOnExit(worker);
    this.#client = { worker, first };
    await once(worker, 'message');
  }

  async #stopClient(): Promise<void> {
    if (this.#client === undefined) return;
    const { worker } = this.#client;
    const report = once(worker, 'message') as Promise<[LoadReport]>;
    const exit = once(worker, 'exit');
    worker.postMessage('stop');
    await this.#complainIfHung(
      'a client’s settling',
      report.then(([each]) => this.#reports.push(each)),
    );
    await this.#complainIfHung('a client’s end', exit);
  }

  async #kill(way: Way): Promise<void> {
    if (way === 'exhaust' && !this.#hasMemoryLimit) return;
    if (way === 'hooks') {
      if (this.#hasBudgets) await this.#complainIfHung('an exchange of hooks', this.#exchangeHooks());
      return;
    }
    if (way === 'stuck' && !this.#hasWatchdog) return;
    if (way === 'client' && (this.#client === undefined || this.#clients === MOST_CLIENTS)) return;
    const isCrash =
      way !== 'timeout' && way !== 'hang' && way !== 'abort' && way !== 'stuck' && way !== 'client';
    if (isCrash && ++this.#crashes > MOST_CRASHES * this.#scheduler.threads) return;
    this.#kills[way] = (this.#kills[way] ?? 0) + 1;
    const scheduler = this.#scheduler;
    const priority = this.#draws.of(['critical', 'normal'] as const);
    const timeoutMs = 1 + this.#draws.next() * 5;
    switch (way) {
      case 'terminate': {
        void this.#draws.of(this.#readyWorkers()).worker?.terminate();
        return;
      }
      case 'client': {
        const { worker, first } = this.#client as { worker: Worker; first: number };
        this.#terminated.push(first);
        await worker.terminate();
        await this.#startClient();
        return;
      }
      case 'timeout':
        this.#expect(way, scheduler.run(injected.loop, undefined, { priority, timeoutMs, graceMs: 0 }));
        return;
      case 'stuck':
        this.#expect(way, scheduler.run(injected.loop, undefined, { priority }));
        return;
      case 'hang':
        this.#expect(way, scheduler.run(injected.hang, undefined, { priority, timeoutMs, graceMs: 0 }));
        return;
      case 'abort': {
        const signal = AbortSignal.timeout(Math.round(timeoutMs));
        this.#expect(way, scheduler.run(injected.loop, undefined, { priority, signal, graceMs: 0 }));
        return;
      }
      case 'exit':
        this.#expect(way, scheduler.run(injected.exit, this.#draws.below(500), { priority }));
        return;
      case 'throwWhile':
      case 'reject':
      case 'exhaust':
        this.#expect(way, scheduler.run(injected[way], undefined, { priority }));
        return;
      case 'throwLater': // it has returned, or another one was faster
        this.#watch(scheduler.run(injected.throwLater, undefined, { priority }).catch(() => {}));
        return;
    }
  }

  /** Workers may end meanwhile. */
  async #exchangeHooks(): Promise<void> {
    await this.#scheduler.setHooks(this.#draws.of([HOOKS, undefined]));
  }

  #expect(way: Way, run: Promise<unknown>): void {
    const settled = run.then(
      () => this.#complaints.push(`a task that ends its worker (${way}) returned`),
      ({ name, message }: Error) => {
        const isStuck = this.#hasWatchdog && name === 'TaskStuckError';
        if (name !== 'WorkerLostError' && name !== ENDS[way] && !isStuck)
          this.#complaints.push(`a task that ends its worker (${way}) rejected with ${name}: ${message}`);
      },
    );
    this.#watch(settled);
  }

  #watch(killer: Promise<unknown>): void {
    this.#underWay++;
    this.#killers.push(killer.finally(() => this.#underWay--));
  }

  #readyWorkers(): readonly WorkerInfo[] {
    return this.#scheduler.workers.filter(({ state }) => state === 'ready');
  }

  #onDestroy({ worker, lost, exitCode }: WorkerDestroyed): void {
    this.#destroyed++;
    if (lost <= this.#concurrentTasks) return;
    const setAside = this.#areSliced ? setAsideOn(this.#threadIds.get(worker) ?? 0, this.#ledger) : 0;
    if (lost > this.#concurrentTasks + setAside)
      this.#complaints.push(
        `a worker that ended with ${exitCode} took ${lost} tasks with it, expected ${this.#concurrentTasks} and ${setAside} that were set aside`,
      );
  }

  /** When nothing ends any more, everything is as it was at the beginning. */
  async #lookAfterwards(): Promise<void> {
    const scheduler = this.#scheduler;
    const some = Array.from({ length: SOME }, (_, n) => scheduler.run(injected.count, LEDGER - 1 - n));
    await this.#complainIfHung('tasks afterwards', Promise.all(some));
    const back = async (): Promise<void> => {
      while (
        scheduler.workers.some(({ state }) => state !== 'ready' && state !== 'ended') ||
        this.#readyWorkers().length < this.#minThreads ||
        scheduler.stats().clients.length > 1 ||
        missingIn(scheduler).length > 0
      )
        await delay(10);
    };
    const { workers: all } = scheduler.stats();
    this.#kills['tasks moved'] = all.reduce((sum, { moved }) => sum + moved, 0);
    const hookFailures = scheduler.stats().budgets?.hookFailures ?? 0;
    if (hookFailures > 0)
      this.#complaints.push(`hooks were told of ${hookFailures} polls that were not one after the other`);
    const hung = await inTime('everything coming back', back(), this.#ended);
    if (hung === undefined) return;
    const { workers, clients } = scheduler.stats();
    this.#complaints.push(`${hung}: ${JSON.stringify({ workers, clients })}`, ...missingIn(scheduler));
  }

  /** Looks at every task again, now that no thread is left. */
  #audit(afterwards: number): void {
    const isTerminated = (task: number): boolean =>
      this.#terminated.some((first) => task >= first && task < first + CLIENT_TASKS);
    for (let task = 0; task < LEDGER - SOME; task++) {
      const complaint = complaintOf(task, this.#ledger, isTerminated(task));
      if (complaint !== undefined && this.#complaints.length < 100) this.#complaints.push(complaint);
    }
    for (let n = 0; n < afterwards; n++)
      if (this.#ledger.began[LEDGER - 1 - n] !== 1)
        this.#complaints.push(`task ${n} afterwards did not begin once`);
    const pending = this.#ledger.ends.filter((end) => end === PENDING).length;
    if (this.#terminated.length === 0 && pending > 0) this.#complaints.push(`${pending} tasks are pending`);
    this.#kills['workers ended'] = this.#destroyed;
  }

  /** Tasks and workers. */
  readonly #ended = (): number => {
    const { completed, failed, lost } = this.#scheduler.stats();
    return completed + failed + lost + this.#destroyed;
  };

  async #complainIfHung(what: string, promise: Promise<unknown>): Promise<void> {
    const hung = await inTime(what, promise, this.#ended);
    if (hung !== undefined) this.#complaints.push(`${hung}: ${JSON.stringify(this.#scheduler.stats())}`);
  }
}
