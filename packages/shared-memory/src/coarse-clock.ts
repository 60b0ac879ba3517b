// The time of day of lock-free code: one shared word of milliseconds. Reading it costs a load; performance.now() costs ten.
//
// Every thread can compute the exact time on the clock's axis for itself, because all threads of a process share one monotonic
// clock (process.hrtime). The word is a cache of it that a ticker renews, so a dead ticker makes it stale, never wrong.
import { Arena, type ObjectHandle } from './arena.ts';
import { ClockTicker, TickerRunningError, type TickerOptions } from './clock-ticker.ts';
import { ArgumentRangeError, AttachError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { coarseClockRoot } from './layout.ts';

export type CoarseClockHandle = ObjectHandle<'shared-memory/coarse-clock'>;

export interface CoarseClockOptions {
  /** What the clock shows at first, milliseconds as an i32; 0 by default. Tests start it just before it wraps. */
  readonly startMs?: number;
}

export class CoarseClock {
  readonly handle: CoarseClockHandle;
  /** Byte address of the word, for kernels that load it themselves: an i32, milliseconds, wrapping. */
  readonly addressOfNow: number;
  readonly #root: number;
  readonly #kernel: KernelExports;
  readonly #startMs: number;
  /** `performance.now()` of this thread when the clock was created; mostly negative elsewhere. */
  readonly #zeroMs: number;

  private constructor(arena: Arena, at: number) {
    this.#root = at;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#startMs = arena.i32[(at >> 2) + coarseClockRoot.word.startMs] as number;
    this.#zeroMs = (arena.f64[(at + coarseClockRoot.offset.originMs) >> 3] as number) - hrtimeAheadMs();
    this.addressOfNow = at + coarseClockRoot.offset.now;
    this.handle = arena.objectHandle(coarseClockRoot.name as CoarseClockHandle['kind'], at);
  }

  /** Makes a clock that stands until something ticks. @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: CoarseClockOptions = {}): CoarseClock {
    const { startMs = 0 } = options;
    if ((startMs | 0) !== startMs) throw new ArgumentRangeError('startMs', startMs, 'a 32-bit integer');
    const at = arena.createObject(coarseClockRoot);
    arena.i32[(at >> 2) + coarseClockRoot.word.startMs] = startMs;
    arena.f64[(at + coarseClockRoot.offset.originMs) >> 3] = hrtimeMs();
    Atomics.store(arena.i32, (at >> 2) + coarseClockRoot.word.now, startMs);
    return new CoarseClock(arena, at);
  }

  /** @throws AttachError */
  static attach(handle: CoarseClockHandle, arena: Arena = Arena.attach(handle?.arena)): CoarseClock {
    const { at } = arena.openObject(coarseClockRoot, handle);
    const originMs = arena.f64[(at + coarseClockRoot.offset.originMs) >> 3] as number;
    if (!(originMs >= 0 && originMs <= hrtimeMs()))
      throw new AttachError(coarseClockRoot.name, 'originMs', originMs, 'a time in the past');
    return new CoarseClock(arena, at);
  }

  /** Milliseconds as an i32 that wraps: compare two with `((a - b) | 0)`. One load, no allocation. */
  now(): number {
    return this.#kernel.readClock(this.#root);
  }

  /** The exact time on this clock's axis: milliseconds since it was created, not wrapped, with fractions. */
  elapsedMs(): number {
    return performance.now() - this.#zeroMs;
  }

  /**
   * Brings the clock up to date. Any thread may call it at any time: the clock only goes forward.
   * @returns what it shows now
   */
  tick(): number {
    return this.#kernel.advanceClock(this.#root, this.#time());
  }

  /** Whole milliseconds by which the clock is behind the exact time. */
  ageMs(): number {
    return Math.max(0, (this.#time() - this.now()) | 0);
  }

  /** Is it further behind than that? True where its ticker died, or where it never had one. */
  isStale(maxAgeMs: number): boolean {
    return this.ageMs() > maxAgeMs;
  }

  /** Has some thread started a ticker that nobody has ended? It may be dead all the same: see `isStale`. */
  get hasTicker(): boolean {
    return this.#kernel.tickerOf(this.#root) !== 0;
  }

  /**
   * Ticks from now on, at the start of each interval. A clock has one ticker: a second one is an error, unless the first has
   * let the clock fall behind by more than `takeOverAfterMs`; should it still be alive, it then ends itself.
   * @throws TickerRunningError, ArgumentRangeError
   */
  startTicker(options: TickerOptions = {}): ClockTicker {
    const { takeOverAfterMs = 1000 } = options;
    if (!(takeOverAfterMs > 0)) throw new ArgumentRangeError('takeOverAfterMs', takeOverAfterMs, 'above 0');
    const ticker = this.#kernel.tickerOf(this.#root);
    const ageMs = this.ageMs();
    const token = ticker === 0 || ageMs > takeOverAfterMs ? this.#kernel.claimTicker(this.#root, ticker) : 0;
    if (token === 0) throw new TickerRunningError(ageMs, takeOverAfterMs);
    this.tick(); // so that nobody takes the clock over while a thread of its own starts
    const claim = {
      clock: this.handle,
      token,
      tick: (): number => this.tick(),
      isHeld: (): boolean => this.#kernel.tickerOf(this.#root) === token,
      release: (): boolean => this.#kernel.releaseTicker(this.#root, token) === 1,
    };
    try {
      return new ClockTicker(claim, options);
    } catch (error) {
      claim.release();
      throw error;
    }
  }

  #time(): number {
    return (this.#startMs + Math.floor(this.elapsedMs())) | 0;
  }
}

function hrtimeMs(): number {
  const [seconds, ns] = process.hrtime();
  return seconds * 1e3 + ns / 1e6;
}

/** How far this thread's performance.now() is behind process.hrtime(): constant, but for being interrupted between the two. */
function hrtimeAheadMs(): number {
  let best = 0;
  let spread = Infinity;
  for (let i = 0; i < 8 && spread > 0.01; i++) {
    const before = hrtimeMs();
    const between = performance.now();
    const after = hrtimeMs();
    if (after - before >= spread) continue;
    spread = after - before;
    best = (before + after) / 2 - between;
  }
  return best;
}
