// Floats in slots: 64-bit words that hold their bits, and gauges.
import { tally, type Arena } from '@corelane/shared-memory';
import { bucketCount, type BucketShape } from './buckets.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { gaugeSlot, histogramSlot } from './layout.ts';

const LOW = 0;
const HIGH = 1;

/** Floats in shared 64-bit words, whole: one Wasm call a write, three a read. For one thread. */
export class FloatWords {
  readonly #kernel: KernelExports;
  readonly #float = new Float64Array(1);
  readonly #halves = new Int32Array(this.#float.buffer);

  constructor(arena: Arena) {
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
  }

  /** Only for the writer of the word. */
  put(at: number, value: number): void {
    this.#float[0] = value;
    this.#kernel.put64(at, this.#halves[LOW] as number, this.#halves[HIGH] as number);
  }

  get(at: number): number {
    this.#kernel.observe64(at);
    this.#halves[LOW] = this.#kernel.observedLow();
    this.#halves[HIGH] = this.#kernel.observedHigh();
    return this.#float[0] as number;
  }
}

/** Undefined where the writer has set no value. */
export function readGauge(arena: Arena, floats: FloatWords, at: number): number | undefined {
  // observe: pairs with the store in Gauge.set, which follows the first value.
  if (Atomics.load(arena.i32, (at + gaugeSlot.offset.isSet) >> 2) === 0) return undefined;
  return floats.get(at + gaugeSlot.offset.value);
}

export function clearGauge(arena: Arena, at: number): void {
  Atomics.store(arena.i32, (at + gaugeSlot.offset.isSet) >> 2, 0); // pairs with readGauge
}

export function histogramBytes(shape: BucketShape): number {
  return histogramSlot.bytes + bucketCount(shape) * tally.bytes;
}
