// The counter as JavaScript sees it: one Wasm call an addition. The protocol is in kernel/striped-counter.ts.
import { availableParallelism } from 'node:os';
import { ArgumentRangeError, Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { counterStripe, stripedCounterRoot } from './layout.ts';

const MAX_STRIPES = 1024;
const TWO_32 = 2 ** 32;

/** Plain data that travels through `workerData` and `postMessage`. `at` is what kernels of other packages take as `counter`. */
export type StripedCounterHandle = ObjectHandle<'lock-free/striped-counter'>;

export interface StripedCounterOptions {
  /**
   * Parts in which it is counted, 1 to 1024, each of 128 bytes; rounded up to a power of two. By default `availableParallelism()`: with
   * fewer than there are threads, some share one.
   */
  readonly stripes?: number;
}

/** A 64-bit counter that many threads add to at once, each in a cache line of its own. Reading it costs a load for each stripe. */
export class StripedCounter {
  readonly handle: StripedCounterHandle;
  readonly stripes: number;
  /** The stripe that this object adds to: given out in turn to whoever creates or attaches. */
  readonly stripe: number;
  readonly #kernel: KernelExports;
  readonly #counter: number;

  private constructor(arena: Arena, kernel: KernelExports, at: number, stripes: number) {
    this.#kernel = kernel;
    this.#counter = at;
    this.stripes = stripes;
    this.stripe = kernel.takeStripe(at, stripes);
    this.handle = arena.objectHandle(stripedCounterRoot.name as StripedCounterHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: StripedCounterOptions = {}): StripedCounter {
    const { stripes: wanted = Math.min(availableParallelism(), MAX_STRIPES) } = options;
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_STRIPES)
      throw new ArgumentRangeError('stripes', wanted, `an integer from 1 to ${MAX_STRIPES}`);
    const stripes = 2 ** Math.ceil(Math.log2(wanted));
    const at = arena.createObject(stripedCounterRoot, lengthFor(stripes));
    const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    kernel.initializeCounter(at, stripes);
    return new StripedCounter(arena, kernel, at, stripes);
  }

  /** Takes a stripe: call it once a thread. @throws AttachError */
  static attach(handle: StripedCounterHandle, arena: Arena = Arena.attach(handle?.arena)): StripedCounter {
    const { at, lengthBytes } = arena.openObject(stripedCounterRoot, handle);
    const stripes = arena.i32[(at >> 2) + stripedCounterRoot.word.stripes] as number;
    if (stripes < 1 || stripes > MAX_STRIPES || (stripes & (stripes - 1)) !== 0)
      throw new AttachError(
        stripedCounterRoot.name,
        'stripes',
        stripes,
        `a power of two from 1 to ${MAX_STRIPES}`,
      );
    if (lengthBytes !== lengthFor(stripes))
      throw new AttachError(stripedCounterRoot.name, 'length in bytes', lengthBytes, lengthFor(stripes));
    const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    return new StripedCounter(arena, kernel, at, stripes);
  }

  /**
   * @param n a safe integer, negative included
   * @throws ArgumentRangeError
   */
  add(n: number): void {
    const lowHalf = n | 0;
    if (n === lowHalf) this.#kernel.addToStripe(this.#counter, this.stripe, lowHalf, lowHalf >> 31);
    else if (Number.isSafeInteger(n))
      this.#kernel.addToStripe(this.#counter, this.stripe, lowHalf, Math.floor(n / TWO_32));
    else throw new ArgumentRangeError('n', n, 'a safe integer');
  }

  /**
   * The sum: exact once all additions are done, up to 2^53, beyond that the nearest number. While others add, it counts each of their
   * additions that ended before the call and none that began after it; of those in between, any.
   */
  sum(): number {
    let low = 0;
    let high = 0;
    for (let stripe = 0; stripe < this.stripes; stripe++) {
      low += this.#kernel.observeStripe(this.#counter, stripe) >>> 0;
      high += this.#kernel.observedHigh();
    }
    return high * TWO_32 + low;
  }

  /** The same, exact to 64 bits: signed, and it wraps. Allocates. */
  sumBigInt(): bigint {
    let sum = 0n;
    for (let stripe = 0; stripe < this.stripes; stripe++) {
      const low = BigInt(this.#kernel.observeStripe(this.#counter, stripe) >>> 0);
      sum += (BigInt(this.#kernel.observedHigh()) << 32n) + low;
    }
    return BigInt.asIntN(64, sum);
  }

  /**
   * Takes what each stripe holds, one after the other. Each addition is in exactly one such sum, or still to come: none is lost, none comes
   * twice. It is no moment's value: of two additions by different threads the later one may be in it and the earlier one not.
   */
  sumAndReset(): number {
    let low = 0;
    let high = 0;
    for (let stripe = 0; stripe < this.stripes; stripe++) {
      low += this.#kernel.drainStripe(this.#counter, stripe) >>> 0;
      high += this.#kernel.observedHigh();
    }
    return high * TWO_32 + low;
  }
}

function lengthFor(stripes: number): number {
  return stripedCounterRoot.bytes + stripes * counterStripe.bytes;
}
