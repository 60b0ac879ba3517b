// Endpoints whose state is one word, changed by CAS: kernel/index.ts and PROTOCOL.md.
import type { Arena, BitField } from '@corelane/shared-memory';
import type {
  BucketReading,
  CellReading,
  EndpointCells,
  EndpointKernel,
  WindowReading,
} from './endpoint-cells.ts';
import type { KernelExports } from './kernel.generated.ts';
import {
  bucket,
  BUCKETS,
  cell,
  failure,
  ledger,
  machineRoot,
  MAX_FAILURE_THRESHOLD,
  MAX_SKEW_MS,
} from './layout.ts';
import { readPolicy } from './policy.ts';
import { decodeWord } from './word.ts';

const TWO_32 = 2 ** 32;

export class AtomicCells implements EndpointCells {
  readonly bytes: number = cell.bytes;
  readonly kernel: EndpointKernel;
  readonly #arena: Arena;
  readonly #exports: KernelExports;
  readonly #root: number;

  /** @param root address of the machine, where transitions are counted */
  constructor(arena: Arena, exports: KernelExports, root: number) {
    this.#arena = arena;
    this.#exports = exports;
    this.#root = root;
    this.kernel = exports;
    exports.countCasesFor(root);
  }

  proposedAt(at: number): number {
    return this.#load(at + cell.offset.proposed);
  }

  policyAt(at: number): number {
    return this.#load(at + cell.offset.policy);
  }

  read(at: number): CellReading {
    const word = this.#load64(at + cell.offset.word);
    const probes = this.#load64(at + cell.offset.ledger);
    const refill = this.#load64(at + cell.offset.refill);
    return {
      low: word.low,
      high: word.high,
      ledger: {
        era: fieldOf(ledger.field.era, probes),
        admitted: fieldOf(ledger.field.admitted, probes),
        sinceMs: probes.high,
      },
      refill: { fractionMicro: refill.low, sinceMs: refill.high },
      trips: this.#load(at + cell.offset.trips),
      reopens: this.#load(at + cell.offset.reopens),
      forced: this.#load(at + cell.offset.forced),
      compressionDetected: this.#load(at + cell.offset.compressionDetected),
      bombsRefused: this.#load(at + cell.offset.bombsRefused),
      inFlight: this.#exports.permitsOut(at),
    };
  }

  readWindows(at: number, nowMs: number): WindowReading {
    const { low, high } = this.#load64(at + cell.offset.word);
    const { era, state } = decodeWord(low, high);
    // What is there may be of eight eras ago: whoever closes clears it.
    if (state === 'open' || state === 'half-open') return { failureAgesMs: [], buckets: [] };
    const { bucketMs, failureWindowMs } = readPolicy(this.#arena, this.policyAt(at));
    const failureAgesMs: number[] = [];
    for (let place = 0; place < MAX_FAILURE_THRESHOLD; place++) {
      const stamp = this.#load(at + cell.offset.failures + 4 * place);
      const { shift } = failure.field.timeMs;
      if (stamp === 0 || (stamp & failure.field.era.mask) !== era) continue;
      const ageMs = (((nowMs << shift) - (stamp & ~failure.field.era.mask)) | 0) >> shift;
      // Far ahead of now means that the 29 bits have wrapped, as in the kernel.
      if (ageMs >= -MAX_SKEW_MS && ageMs <= failureWindowMs) failureAgesMs.push(Math.max(0, ageMs));
    }
    failureAgesMs.sort((a, b) => b - a);
    return { failureAgesMs, buckets: bucketMs === 0 ? [] : this.#buckets(at, era, bucketMs, nowMs) };
  }

  casCounts(): { successes: number; failures: number } {
    this.#exports.publishCases();
    const count = (offset: number): number => {
      const { low, high } = this.#load64(this.#root + offset);
      return high * TWO_32 + (low >>> 0);
    };
    return {
      successes: count(machineRoot.offset.casSuccesses),
      failures: count(machineRoot.offset.casFailures),
    };
  }

  #buckets(at: number, era: number, bucketMs: number, nowMs: number): BucketReading[] {
    const now31 = (nowMs << 1) >> 1;
    const tick = Math.floor(now31 / bucketMs);
    const { tag, calls, failures, slow } = bucket.field;
    const found: BucketReading[] = [];
    for (let age = BUCKETS - 1; age >= 0; age--) {
      const lap = Math.floor((tick - age) / BUCKETS);
      const one = this.#load64(at + cell.offset.buckets + 8 * (tick - age - lap * BUCKETS));
      if (fieldOf(bucket.field.era, one) !== era || fieldOf(tag, one) !== (lap & tag.mask)) continue;
      if (fieldOf(calls, one) === 0) continue;
      found.push({
        ageMs: now31 - (tick - age) * bucketMs,
        calls: fieldOf(calls, one),
        failures: fieldOf(failures, one),
        slow: fieldOf(slow, one),
      });
    }
    return found;
  }

  #load(at: number): number {
    return Atomics.load(this.#arena.i32, at >> 2);
  }

  #load64(at: number): { low: number; high: number } {
    this.#exports.observe(at);
    return { low: this.#exports.low(), high: this.#exports.high() };
  }
}

function fieldOf(field: BitField, { low, high }: { low: number; high: number }): number {
  return ((field.half === 0 ? low : high) >>> field.shift) & field.mask;
}
