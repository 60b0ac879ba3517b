import { Scheduler, type Profile, type SchedulerOptions } from '@corelane/scheduler';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions } from '../contestant.ts';
import { payloadBytesTotal } from '../payloads.ts';
import { tasks } from '../tasks.ts';

/** As many as tasks are under way, and some to spare; the default at most: tasks beyond that wait in line. */
const SPARE_SLOTS = 64;
const MOST_SLOTS = 4096;
const LEAST_PAYLOAD_BYTES = 256;

function create(
  { threads, inFlight, payloadBytes }: ContestantOptions,
  {
    workerData,
    profile = 'balanced',
    ...others
  }: { workerData?: { memory: SharedArrayBuffer }; profile?: Profile } & Pick<
    SchedulerOptions,
    'budgets' | 'hooks' | 'watchdog'
  > = {},
): Scheduler {
  return Scheduler.create({
    threads,
    slots: Math.min(inFlight + SPARE_SLOTS, MOST_SLOTS),
    payloadBytes: Math.max(payloadBytes, LEAST_PAYLOAD_BYTES),
    maxClients: 1,
    preload: [tasks.double],
    workerData,
    profile,
    ...others,
  });
}

function withCopies(scheduler: Scheduler): Contestant {
  return {
    double: (n) => scheduler.run(tasks.double, n),
    digest: (payload) => scheduler.run(tasks.digest, payload),
    whoRuns: (n) => scheduler.run(tasks.whoRuns, n),
    holdWhile: (path) => scheduler.run(tasks.holdWhile, path),
    close: () => scheduler.close(),
  };
}

/** Arguments are copied into the slot of their task. */
export function startScheduler(options: ContestantOptions): Contestant {
  return withCopies(create(options));
}

/** The client looks for results in the microtask queue, too. */
export function startLowLatency(options: ContestantOptions): Contestant {
  return withCopies(create(options, { profile: 'lowLatency' }));
}

/** Its polls are watched. */
export function startBudgets(options: ContestantOptions): Contestant {
  return withCopies(create(options, { budgets: true }));
}

const HOOKS = 'suites/budgets/counting-hooks';

/** And hooks are called. */
export function startHooks(options: ContestantOptions): Contestant {
  return withCopies(create(options, { budgets: true, hooks: entryUrl(HOOKS) }));
}

const KILL_MS = 10_000;

/** And a watchdog looks at each worker. */
export function startWatchdog(options: ContestantOptions): Contestant {
  const watchdog = { killMs: KILL_MS, thread: true };
  return withCopies(create(options, { budgets: true, hooks: entryUrl(HOOKS), watchdog }));
}

/** Tasks in lists. */
export function startMany(options: ContestantOptions): Contestant {
  const scheduler = create(options);
  return {
    ...withCopies(scheduler),
    doubleMany: (list) => scheduler.runMany(tasks.double, list),
  };
}

/** Tasks without promises. */
export function startCallbacks(options: ContestantOptions): Contestant {
  const scheduler = create(options);
  return {
    ...withCopies(scheduler),
    doubleThen: (n, onResult, onError) => scheduler.submit(tasks.double, n, onResult, onError),
  };
}

/** Bytes lie in memory that all workers have: what is passed is where. */
export function startSharing(options: ContestantOptions): Contestant {
  const memory = new SharedArrayBuffer(payloadBytesTotal(options.payloadBytes));
  const scheduler = create({ ...options, payloadBytes: 0 }, { workerData: { memory } });
  let used = 0;
  return {
    ...withCopies(scheduler),
    digest: (payload) => scheduler.run(tasks.digestAt, [payload.byteOffset, payload.length]),
    allocate(bytes) {
      used += bytes;
      return new Uint8Array(memory, used - bytes, bytes);
    },
  };
}
