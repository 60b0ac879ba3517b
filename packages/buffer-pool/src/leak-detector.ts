// Who took a buffer and did not return it: some or all leases of this thread, with the stack of where they were taken.
//
// Nothing is done when a lease ends: whether it has is seen from the generation of its word, when somebody asks. So what is not
// traced costs nothing, and what is costs at the acquire alone.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { callSafely } from './call-safely.ts';
import type { LeaseView } from './lease.ts';
import type { PoolMemory } from './pool-memory.ts';

/**
 * `off`; `simple`: one lease in `sampleEvery`, with the stack of its acquire; `advanced`: the same, with the last touches;
 * `paranoid`: every lease, with the last touches.
 */
export type LeakLevel = 'off' | 'simple' | 'advanced' | 'paranoid';

export interface LeakDetection {
  readonly level: LeakLevel;
  /** One in so many leases is traced, at random: 128 by default. */
  readonly sampleEvery?: number;
  /** Called for each leak; by default it is a process warning of the type `BufferLeakWarning`. */
  readonly onLeak?: (leak: LeakReport) => void;
}

export interface LeakReport {
  /** `held`: the lease has not ended; `collected`: nor can it be by its object, which is garbage; `disposed`: it ended with its pool object. */
  readonly how: 'held' | 'collected' | 'disposed';
  readonly index: number;
  readonly generation: number;
  readonly owner: number;
  /** Milliseconds since it was taken. */
  readonly ageMs: number;
  /** Where it was taken. */
  readonly stack: string;
  /** What was done with it then, the last eight, oldest first: transitions and `touch`. */
  readonly touches: readonly { readonly action: string; readonly stack: string }[];
}

interface Stack {
  readonly stack?: string;
}

interface Trace {
  readonly index: number;
  generation: number;
  readonly owner: number;
  readonly sinceMs: number;
  readonly taken: Stack;
  readonly touches: { action: string; at: Stack }[];
  collected: boolean;
}

/** Where this package is, in the frames of a stack. */
const HERE = import.meta.dirname;
const DEFAULT_SAMPLE_EVERY = 128;
const MOST_TOUCHES = 8;
const LEVELS: readonly LeakLevel[] = ['off', 'simple', 'advanced', 'paranoid'];

export class LeakDetector {
  readonly #memory: PoolMemory;
  readonly #sampleEvery: number;
  readonly #touches: boolean;
  readonly #onLeak: (leak: LeakReport) => void;
  /** By index: a buffer has one lease at a time. What has ended stays until somebody asks, or another is traced. */
  readonly #traces = new Map<number, Trace>();
  readonly #collected: FinalizationRegistry<Trace>;
  /** Leases up to the next that is traced. */
  #untilNext: number;

  /** @returns undefined where nothing is to be traced @throws ArgumentRangeError */
  static for(memory: PoolMemory, options: LeakDetection | undefined): LeakDetector | undefined {
    checkLeakDetection(options);
    const { level, sampleEvery = DEFAULT_SAMPLE_EVERY } = options ?? { level: 'off' };
    if (level === 'off') return undefined;
    return new LeakDetector(memory, level, level === 'paranoid' ? 1 : sampleEvery, options?.onLeak ?? warn);
  }

  private constructor(
    memory: PoolMemory,
    level: LeakLevel,
    sampleEvery: number,
    onLeak: (leak: LeakReport) => void,
  ) {
    this.#memory = memory;
    this.#sampleEvery = sampleEvery;
    this.#touches = level !== 'simple';
    this.#untilNext = this.#gap();
    // What it throws is nobody's here to catch, and keeps no other leak from being told, nor a pool from being disposed of.
    this.#onLeak = (leak) => callSafely(onLeak, leak);
    this.#collected = new FinalizationRegistry((trace) => {
      trace.collected = true;
      if (this.#isOpen(trace)) this.#onLeak(this.#report(trace, 'collected'));
    });
  }

  /**
   * A lease was taken.
   * @param lease its object, where it has one: told when that is collected first
   */
  taken(index: number, generation: number, owner: number, lease: LeaseView | undefined): void {
    if (--this.#untilNext > 0) return;
    this.#untilNext = this.#gap();
    const trace: Trace = {
      index,
      generation,
      owner,
      sinceMs: performance.now(),
      taken: stackOf(),
      touches: [],
      collected: false,
    };
    this.#traces.set(index, trace);
    if (lease !== undefined) this.#collected.register(lease, trace, trace);
  }

  /** The same, of a lease that is a token. */
  takenToken(token: number, owner: number): void {
    const { at, indexMask, kernel } = this.#memory;
    const index = token & indexMask;
    this.taken(index, kernel.leaseGeneration(at, index), owner, undefined);
  }

  /**
   * A lease that was given by another object, or as a token, is that of `lease` now: where it is traced here, that goes on, and it is lost
   * with this object alone; where it is not, it is one that was taken.
   */
  takenBack(index: number, generation: number, owner: number, lease: LeaseView): void {
    const trace = this.#traces.get(index);
    if (trace === undefined || trace.generation !== generation)
      return this.taken(index, generation, owner, lease);
    this.#collected.unregister(trace);
    trace.collected = false;
    this.#collected.register(lease, trace, trace);
  }

  /** A traced lease goes on in the next generation. */
  moved(index: number, generation: number, mask: number, action: string): void {
    const trace = this.#traces.get(index);
    if (trace === undefined || ((trace.generation ^ generation) & mask) !== 0) return;
    trace.generation = (trace.generation + 1) | 0;
    this.#note(trace, action);
  }

  /** Somebody says that the lease came by here. */
  touch(index: number, generation: number, hint: string): void {
    const trace = this.#traces.get(index);
    if (trace !== undefined && trace.generation === generation) this.#note(trace, hint);
  }

  /** Traced leases that have not ended, the oldest first. */
  leaks(): LeakReport[] {
    return this.#open().map((trace) => this.#report(trace, trace.collected ? 'collected' : 'held'));
  }

  /** Before the pool object takes back what is leased. */
  dispose(): void {
    for (const trace of this.#open()) this.#onLeak(this.#report(trace, 'disposed'));
    this.#traces.clear();
  }

  /** At random, of the mean `sampleEvery`: leases that follow each other in a pattern are traced as often as any. */
  #gap(): number {
    return 1 + Math.floor(Math.random() * (2 * this.#sampleEvery - 1));
  }

  #note(trace: Trace, action: string): void {
    if (!this.#touches) return;
    trace.touches.push({ action, at: stackOf() });
    if (trace.touches.length > MOST_TOUCHES) trace.touches.shift();
  }

  #open(): Trace[] {
    for (const [index, trace] of this.#traces) if (!this.#isOpen(trace)) this.#traces.delete(index);
    return [...this.#traces.values()].toSorted((a, b) => a.sinceMs - b.sinceMs);
  }

  /** What the kernel has is no leak of the user's: its completion brings it back. */
  #isOpen({ index, generation }: Trace): boolean {
    const found = this.#memory.describe(index);
    return found.state === 'leased' && found.generation === generation >>> 0;
  }

  #report(trace: Trace, how: LeakReport['how']): LeakReport {
    const { index, generation, owner, sinceMs, taken, touches } = trace;
    return {
      how,
      index,
      generation: generation >>> 0,
      owner,
      ageMs: performance.now() - sinceMs,
      stack: text(taken),
      touches: touches.map(({ action, at }) => ({ action, stack: text(at) })),
    };
  }
}

/** @throws ArgumentRangeError */
export function checkLeakDetection(options: LeakDetection | undefined): void {
  if (options === undefined) return;
  const { level, sampleEvery = DEFAULT_SAMPLE_EVERY, onLeak } = options;
  if (!LEVELS.includes(level)) throw new ArgumentRangeError('leakDetection.level', level, LEVELS.join(', '));
  if (!Number.isInteger(sampleEvery) || sampleEvery < 1)
    throw new ArgumentRangeError('leakDetection.sampleEvery', sampleEvery, 'an integer of at least 1');
  if (onLeak !== undefined && typeof onLeak !== 'function')
    throw new ArgumentRangeError('leakDetection.onLeak', onLeak, 'a function');
}

/** V8 writes the text when it is first read. */
function stackOf(): Stack {
  const at: Stack = {};
  Error.captureStackTrace(at, stackOf);
  return at;
}

/** The frames of the callers of this package. */
function text({ stack = '' }: Stack): string {
  const [, ...frames] = stack.split('\n'); // the first line says "Error"
  const first = frames.findIndex((frame) => !frame.includes(HERE));
  return frames.slice(Math.max(0, first)).join('\n');
}

function warn(leak: LeakReport): void {
  const age = Math.round(leak.ageMs);
  process.emitWarning(
    `buffer ${leak.index} was leased ${age} ms ago and not returned (${leak.how}); taken\n${leak.stack}`,
    { type: 'BufferLeakWarning', code: 'BUFFER_POOL_LEAK' },
  );
}
