// Endpoints whose state is in plain fields that a mutex guards: the word's twin, to be measured against it. kernel/standard.ts and
// STANDARD.md. Every call takes the mutex, so it may wait for a thread that the system has stopped, or that has died, until
// `reclaim` is called for it.
import type { Arena } from '@corelane/shared-memory';
import { mutexWords } from '@corelane/lock-free';
import type { CellReading, EndpointCells, EndpointKernel, WindowReading } from './endpoint-cells.ts';
import type { KernelExports } from './kernel.generated.ts';
import {
  BUCKETS,
  CIRCUIT_OPEN,
  COMPRESSED,
  ERA_SHIFT,
  HALF_OPEN,
  machineRoot,
  MAX_SKEW_MS,
  MONITORED,
  permit,
  standardBucket,
  standardCell,
  STANDARD_CLOSED,
  STANDARD_HALF_OPEN,
  STANDARD_ISOLATED,
  STANDARD_MONITORED,
  STANDARD_OPEN,
  THROTTLED,
  word,
} from './layout.ts';
import { readPolicy, type Policy } from './policy.ts';
import { THIS_THREAD } from './this-thread.ts';

const { offset } = standardCell;

/** What each state is in the flags of a word. */
const FLAGS: Readonly<Record<number, number>> = {
  [STANDARD_CLOSED]: 0,
  [STANDARD_MONITORED]: 0,
  [STANDARD_OPEN]: CIRCUIT_OPEN,
  [STANDARD_HALF_OPEN]: HALF_OPEN,
  [STANDARD_ISOLATED]: CIRCUIT_OPEN | HALF_OPEN,
};

export class StandardCells implements EndpointCells {
  readonly bytes: number = standardCell.bytes;
  readonly kernel: EndpointKernel;
  readonly #arena: Arena;
  readonly #exports: KernelExports;
  readonly #root: number;

  /** @param root address of the machine */
  constructor(arena: Arena, exports: KernelExports, root: number) {
    this.#arena = arena;
    this.#exports = exports;
    this.#root = root;
    exports.standardBind(THIS_THREAD);
    this.kernel = {
      tryAcquire: exports.tryAcquireStandard,
      tryAcquireAt: exports.tryAcquireStandardAt,
      recordDelivery: exports.recordStandard,
      recordDeliveryAt: exports.recordStandardAt,
      defineEndpoint: exports.standardDefine,
      openEndpoint: exports.standardOpen,
      isolateEndpoint: exports.standardIsolate,
      closeEndpoint: exports.standardClose,
      isCurrent: exports.standardIsCurrent,
      recordCompression: exports.standardRecordCompression,
      reclaimEndpoint: exports.standardReclaim,
      beginRestore: exports.standardBeginRestore,
      restoreFailure: exports.standardRestoreFailure,
      restoreOutcomes: exports.standardRestoreOutcomes,
      endRestore: exports.standardEndRestore,
      admitEvents: exports.standardAdmitEvents,
      refundEvents: exports.standardRefundEvents,
    };
  }

  /** The definer has the mutex: nothing is proposed before it is there. */
  proposedAt(at: number): number {
    return this.policyAt(at);
  }

  policyAt(at: number): number {
    return Atomics.load(this.#arena.i32, (at + offset.policy) >> 2);
  }

  read(at: number): CellReading {
    return this.#locked(at, (read) => {
      const policy = readPolicy(this.#arena, this.policyAt(at));
      const era = read(offset.era);
      return {
        low: lowHalf(read, policy),
        high: (read(offset.failures) << word.field.failures.shift) | read(offset.successes),
        ledger: { era, admitted: read(offset.admitted), sinceMs: read(offset.sinceMs) },
        refill: { fractionMicro: read(offset.refillFraction), sinceMs: read(offset.refillMs) },
        trips: read(offset.trips),
        reopens: read(offset.reopens),
        forced: read(offset.forced),
        compressionDetected: read(offset.compressionDetected),
        bombsRefused: read(offset.bombsRefused),
        inFlight: this.#permitsOut(policy),
      };
    });
  }

  readWindows(at: number, nowMs: number): WindowReading {
    return this.#locked(at, (read) => {
      // What is left there after an opening is cleared by whoever closes.
      if (FLAGS[read(offset.state)] !== 0) return { failureAgesMs: [], buckets: [] };
      const { failureThreshold, failureWindowMs, bucketMs } = readPolicy(this.#arena, this.policyAt(at));
      const count = read(offset.ringCount);
      const failureAgesMs = Array.from({ length: count }, (_, i) => {
        const place = (read(offset.ringPlace) + failureThreshold - count + i) % failureThreshold;
        return (nowMs - read(offset.ring + 4 * place)) | 0;
      })
        // Far ahead of now means that the clock has wrapped, as in the kernel.
        .filter((ageMs) => ageMs > -MAX_SKEW_MS && ageMs <= failureWindowMs)
        .map((ageMs) => Math.max(0, ageMs));
      failureAgesMs.sort((a, b) => b - a);
      if (bucketMs === 0) return { failureAgesMs, buckets: [] };
      const now31 = (nowMs << 1) >> 1;
      const tick = Math.floor(now31 / bucketMs);
      const buckets = Array.from({ length: BUCKETS }, (_, place) => {
        const from = offset.buckets + standardBucket.bytes * place;
        return {
          ageMs: now31 - read(from + standardBucket.offset.tick) * bucketMs,
          age: tick - read(from + standardBucket.offset.tick),
          calls: read(from + standardBucket.offset.calls),
          failures: read(from + standardBucket.offset.failures),
          slow: read(from + standardBucket.offset.slow),
        };
      })
        .filter(({ calls, age }) => calls > 0 && age >= 0 && age < BUCKETS)
        .toSorted((a, b) => b.age - a.age)
        .map(({ ageMs, calls, failures, slow }) => ({ ageMs, calls, failures, slow }));
      return { failureAgesMs, buckets };
    });
  }

  /** Transitions; and, as what a CAS that lost a race is here, times that a thread had to wait for a mutex. */
  casCounts(): { successes: number; failures: number } {
    const { i32 } = this.#arena;
    const endpoints = i32[(this.#root >> 2) + machineRoot.word.endpoints] as number;
    const cells = i32[(this.#root >> 2) + machineRoot.word.cells] as number;
    const sum = { successes: 0, failures: 0 };
    for (let index = 0; index < endpoints; index++) {
      const at = cells + index * standardCell.bytes;
      if (this.policyAt(at) === 0) continue;
      sum.successes += this.#locked(at, (read) => read(offset.transitions) >>> 0);
      sum.failures += Atomics.load(i32, (at + offset.mutex + mutexWords.offset.contended) >> 2) >>> 0;
    }
    return sum;
  }

  #permitsOut({ permits, permitTable }: Policy): number {
    const { i32 } = this.#arena;
    let out = 0;
    for (let index = 0; index < permits; index++)
      if (((i32[(permitTable >> 2) + index] as number) & permit.field.owner.mask) !== 0) out++;
    return out;
  }

  /** Plain reads while no other thread writes. */
  #locked<T>(at: number, look: (read: (offsetBytes: number) => number) => T): T {
    const { i32 } = this.#arena;
    this.#exports.standardEnter(at);
    try {
      return look((offsetBytes) => i32[(at + offsetBytes) >> 2] as number);
    } finally {
      this.#exports.standardLeave(at);
    }
  }
}

/** The fields as the low half of a word. */
function lowHalf(read: (offsetBytes: number) => number, policy: Policy): number {
  const tokens = read(offset.tokens);
  const flags =
    (FLAGS[read(offset.state)] ?? 0) |
    (tokens === 0 ? THROTTLED : 0) |
    (policy.bucketMs !== 0 || policy.permits !== 0 ? MONITORED : 0) |
    (read(offset.compressed) !== 0 ? COMPRESSED : 0) |
    (read(offset.era) << ERA_SHIFT);
  const { version, compressionRatio } = word.field;
  return (
    (read(offset.transitions) & version.mask) |
    (flags << word.field.flags.shift) |
    (read(offset.compressionRatio) << compressionRatio.shift) |
    (tokens << word.field.tokens.shift)
  );
}
