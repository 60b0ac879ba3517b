// How long it takes to go from one to the next: of fibres on a thread, or from a thread to another. Two notions, of which one object only ever holds one.
import { now } from '../turn-clock.ts';

/**
 * - `fibre switch`: on one thread, from the `yield` of a fibre to the next one's: putting it back, choosing, resuming. An empty generator stands in for what is resumed.
 * - `thread hand-off`: from the moment that one thread wakes another to the moment that the other runs.
 */
export type SwitchKind = 'fibre switch' | 'thread hand-off';

export interface SwitchReport {
  readonly kind: SwitchKind;
  /** All that there were. */
  readonly count: number;
  /** Those that were timed. */
  readonly samples: number;
  /** Undefined where none was timed. */
  readonly averageNs: number | undefined;
  readonly fastestNs: number | undefined;
  readonly slowestNs: number | undefined;
  readonly targetNs: number;
  /** Whether the average is no more than `targetNs`; never true where none was timed. */
  readonly isTargetMet: boolean;
  /** What reading the clock costs at least; it has been subtracted. */
  readonly clockNs: number | undefined;
}

export class SwitchStatistics {
  readonly kind: SwitchKind;
  readonly targetNs: number;
  count = 0;
  #startMs = 0;
  #samples = 0;
  /** By the clock, which is in each sample once. */
  #sumNs = 0;
  #fastestNs = Infinity;
  #slowestNs = 0;
  #clockNs = Infinity;
  #tookNs = 0;

  constructor(kind: SwitchKind, targetNs: number) {
    this.kind = kind;
    this.targetNs = targetNs;
  }

  /** A switch begins that is timed. */
  begin(): void {
    this.#startMs = now();
  }

  /** It has ended. Another reading of the clock says what the first one of the two cost, here and now. */
  end(): void {
    const endMs = now();
    this.#tookNs = (endMs - this.#startMs) * 1e6;
    this.#clockNs = Math.min(this.#clockNs, (now() - endMs) * 1e6);
    this.#note();
  }

  /**
   * @param tookNs by the clock
   * @param clockNs what of that is the clock's: the least that there was counts
   */
  record(tookNs: number, clockNs: number): void {
    this.#tookNs = tookNs;
    this.#clockNs = Math.min(this.#clockNs, clockNs);
    this.#note();
  }

  /** Without parameters: numbers that are no integers would be allocated. */
  #note(): void {
    const tookNs = this.#tookNs;
    this.#samples++;
    this.#sumNs += tookNs;
    if (tookNs < this.#fastestNs) this.#fastestNs = tookNs;
    if (tookNs > this.#slowestNs) this.#slowestNs = tookNs;
  }

  report(): SwitchReport {
    const { kind, count, targetNs } = this;
    const samples = this.#samples;
    if (samples === 0)
      return {
        kind,
        count,
        samples,
        averageNs: undefined,
        fastestNs: undefined,
        slowestNs: undefined,
        clockNs: undefined,
        targetNs,
        isTargetMet: false,
      };
    const clockNs = this.#clockNs;
    // Below 0: faster than the clock can tell.
    const without = (ns: number): number => Math.max(0, ns - clockNs);
    const averageNs = without(this.#sumNs / samples);
    return {
      kind,
      count,
      samples,
      averageNs,
      fastestNs: without(this.#fastestNs),
      slowestNs: without(this.#slowestNs),
      clockNs,
      targetNs,
      isTargetMet: averageNs <= targetNs,
    };
  }
}
