import { Scheduler } from '@corelane/scheduler';
import type { Contestant, ContestantOptions } from '../contestant.ts';
import { payloadBytesTotal } from '../payloads.ts';
import { tasks } from '../tasks.ts';

/** As many as tasks are under way, and some to spare; the default at most: tasks beyond that wait in line. */
const SPARE_SLOTS = 64;
const MOST_SLOTS = 4096;
const LEAST_PAYLOAD_BYTES = 256;

function create(
  { threads, inFlight, payloadBytes }: ContestantOptions,
  workerData?: { memory: SharedArrayBuffer },
): Scheduler {
  return Scheduler.create({
    threads,
    slots: Math.min(inFlight + SPARE_SLOTS, MOST_SLOTS),
    payloadBytes: Math.max(payloadBytes, LEAST_PAYLOAD_BYTES),
    maxClients: 1,
    preload: [tasks.double],
    workerData,
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

/** Bytes lie in memory that all workers have: what is passed is where. */
export function startSharing(options: ContestantOptions): Contestant {
  const memory = new SharedArrayBuffer(payloadBytesTotal(options.payloadBytes));
  const scheduler = create({ ...options, payloadBytes: 0 }, { memory });
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
