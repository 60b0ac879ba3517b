// A second set of books for the state words. A word counts results since its breaker changed state; this counts the same results era
// by era, as the callers of `recordDelivery` were told that they were counted. At rest the two must be equal for every endpoint.
//
// The phase of a result is told by its admission: exact where closing takes all probes, as with the demo's 3 probes and ratio of 0.8.
import { Recorded, type EndpointSnapshot, type RecordOutcome } from '@corelane/atomic-state';
import { Arena, AttachError, type ObjectHandle } from '@corelane/shared-memory';
import { COUNTS_PER_ERA, ERAS, wordBookPage, wordBookRoot } from './layout.ts';

export type WordBookHandle = ObjectHandle<'demo/word-book'>;

export interface WordCounts {
  readonly successes: number;
  readonly failures: number;
}

/** What a word counts to. */
const SATURATED = 65_535;

export class WordBook {
  readonly handle: WordBookHandle;
  readonly #i32: Int32Array;
  /** Word index of the first page's counts. */
  readonly #counts: number;

  private constructor(arena: Arena, at: number) {
    this.#i32 = arena.i32;
    this.#counts = (at + wordBookRoot.bytes + wordBookPage.offset.counts) >> 2;
    this.handle = arena.objectHandle(wordBookRoot.name as WordBookHandle['kind'], at);
  }

  static create(arena: Arena, options: { readonly endpoints: number }): WordBook {
    const at = arena.createObject(wordBookRoot, wordBookRoot.bytes + options.endpoints * wordBookPage.bytes);
    arena.i32[(at >> 2) + wordBookRoot.word.endpoints] = options.endpoints;
    return new WordBook(arena, at);
  }

  /** @throws AttachError */
  static attach(handle: WordBookHandle, arena: Arena = Arena.attach(handle.arena)): WordBook {
    const { at, lengthBytes } = arena.openObject(wordBookRoot, handle);
    const endpoints = arena.i32[(at >> 2) + wordBookRoot.word.endpoints] as number;
    const expected = wordBookRoot.bytes + endpoints * wordBookPage.bytes;
    if (lengthBytes !== expected)
      throw new AttachError(wordBookRoot.name, 'length in bytes', lengthBytes, expected);
    return new WordBook(arena, at);
  }

  /** Enters a result that `recordDelivery` took. */
  enter(endpoint: number, ok: boolean, admission: number, outcome: RecordOutcome): void {
    if (outcome === Recorded.Stale) return;
    const era = admission >> 1;
    if (outcome === Recorded.Tripped || outcome === Recorded.Reopened) this.#clear(endpoint, era + 1);
    // Pairs with the loads in expected(), which read at rest.
    Atomics.add(this.#i32, this.#index(endpoint, era, admission & 1, ok), 1);
  }

  /** What the word of this endpoint should count, from the results that were entered. */
  expected(snapshot: EndpointSnapshot): WordCounts {
    const { index, state, era } = snapshot;
    const of = (shown: number, phase: number, ok: boolean): number =>
      Math.min(SATURATED, Atomics.load(this.#i32, this.#index(index, shown, phase, ok)));
    if (state === 'half-open') return { successes: of(era, 1, true), failures: of(era, 1, false) };
    if (state !== 'open') return { successes: of(era, 0, true), failures: of(era, 0, false) };
    // An open breaker shows what opened it: calls, where one of them tripped it in the era before; else the probes that failed.
    const before = era + ERAS - 1;
    const phase = of(before, 0, false) > 0 ? 0 : 1;
    return { successes: of(before, phase, true), failures: of(before, phase, false) };
  }

  /** An era number comes back after eight trips. It is cleared by whoever began the era, at least an open duration before its first result. */
  #clear(endpoint: number, era: number): void {
    for (const phase of [0, 1])
      for (const ok of [false, true]) Atomics.store(this.#i32, this.#index(endpoint, era, phase, ok), 0);
  }

  #index(endpoint: number, era: number, phase: number, ok: boolean): number {
    const page = this.#counts + ((endpoint * wordBookPage.bytes) >> 2);
    return page + (era % ERAS) * COUNTS_PER_ERA + phase * 2 + (ok ? 1 : 0);
  }
}
