// How long the event loop keeps others waiting.
//
// A histogram of Node begins anew with the first turn after its reset, so what holds up the loop around that moment is in none of its
// windows. Hence two of them, reset in turns: each window reaches over two intervals, and one of them always covers the seam.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { CHECK_OPTIONS, type CheckOptions, type HealthCheck, type MeasureContext } from '../check.ts';
import type { Measured } from '../measurement.ts';
import { ArgumentRangeError, aFunction, atLeast, onlyKnown } from '../option-checks.ts';

export interface LoopDelayCheckOptions extends CheckOptions {
  /** Of the last two intervals: 'max' by default, or 'mean', or a quantile from 0 to 1. A long hold-up is one value, so quantiles hide it. */
  readonly statistic?: 'max' | 'mean' | number;
  /** How often the loop is looked at; 20 by default. */
  readonly resolutionMs?: number;
  /** In place of a monitor of its own: milliseconds, or null where not known. A metric, or what another thread has measured. */
  readonly source?: () => number | null;
}

type IntervalHistogram = ReturnType<typeof monitorEventLoopDelay>;

const NS_PER_MS = 1e6;

/** Check `loop-delay`, in milliseconds; warns above 100. @throws ArgumentRangeError */
export function loopDelayCheck(options: LoopDelayCheckOptions = {}): HealthCheck {
  onlyKnown('option of loopDelayCheck', options, [...CHECK_OPTIONS, 'statistic', 'resolutionMs', 'source']);
  const { source, statistic = 'max', resolutionMs = 20, name = 'loop-delay', warn = 100, ...rest } = options;
  const common = { ...rest, name, warn, unit: 'ms' };
  if (source !== undefined) {
    aFunction('source', source);
    for (const own of ['statistic', 'resolutionMs'] as const)
      if (options[own] !== undefined)
        throw new ArgumentRangeError(own, options[own], 'nothing, where source measures');
    return { ...common, measure: source };
  }
  if (statistic !== 'max' && statistic !== 'mean') atLeast('statistic', statistic, 0, 1);
  atLeast('resolutionMs', resolutionMs, 1, 1000);
  if (!Number.isInteger(resolutionMs))
    throw new ArgumentRangeError('resolutionMs', resolutionMs, 'an integer of milliseconds');
  const windows = new LoopWindows(statistic, resolutionMs);
  return {
    ...common,
    begin: () => windows.begin(),
    measure: (context) => windows.measure(context),
    [Symbol.dispose]: () => windows[Symbol.dispose](),
  };
}

class LoopWindows {
  readonly #statistic: 'max' | 'mean' | number;
  readonly #resolutionMs: number;
  /** The one that is read next comes first. */
  #windows: [IntervalHistogram, IntervalHistogram] | undefined;

  constructor(statistic: 'max' | 'mean' | number, resolutionMs: number) {
    this.#statistic = statistic;
    this.#resolutionMs = resolutionMs;
  }

  begin(): void {
    if (this.#windows !== undefined)
      throw new ArgumentRangeError('check', 'a check of another monitor', 'a loopDelayCheck of its own');
    const one = (): IntervalHistogram => {
      const histogram = monitorEventLoopDelay({ resolution: this.#resolutionMs });
      histogram.enable();
      return histogram;
    };
    this.#windows = [one(), one()];
  }

  measure({ lateMs }: MeasureContext): Measured {
    if (this.#windows === undefined) return { unknown: 'not begun by a monitor' };
    const [window, other] = this.#windows;
    const { count } = window;
    const heldMs = count === 0 ? 0 : Math.max(0, this.#read(window) / NS_PER_MS - this.#resolutionMs);
    // A loop that was held up until now has not run the timer of the histogram either.
    const value = this.#statistic === 'max' ? Math.max(heldMs, lateMs) : heldMs;
    if (count === 0 && lateMs < this.#resolutionMs) return { pending: 'the loop has not turned yet' };
    window.reset();
    this.#windows = [other, window];
    return { value: count === 0 ? lateMs : value, detail: `${this.#statistic} of ${count} turns` };
  }

  [Symbol.dispose](): void {
    for (const window of this.#windows ?? []) window.disable();
  }

  #read(window: IntervalHistogram): number {
    if (this.#statistic === 'max') return window.max;
    return this.#statistic === 'mean'
      ? window.mean
      : window.percentile(Math.max(0.001, this.#statistic * 100));
  }
}
