// How late the event loop is: prom-client's gauges, of the time since the last sample, and a histogram that forgets nothing.
//
// Node looks every `precision` milliseconds, in C++, and counts the time since it looked last: 10 ms where nothing is late. prom-client's
// gauges are told as they are there; the histogram has what is beyond.
import { bucketOf, bucketShape } from '../buckets.ts';
import type { Histogram } from '../histogram.ts';
import type { DelayHistogram, Host } from './host.ts';
import type { OpenSource, Source } from './source.ts';
import type { SourceMetrics } from './source-metrics.ts';

const NS_PER_SECOND = 1e9;
const NS_PER_MS = 1e6;
/** Guessed: nobody asks for less than 0.1 ms, and the exposition stays short. */
export const DELAYS = { precision: 0.1, resolution: 1e5, max: 60 * NS_PER_SECOND };
const SHAPE = bucketShape(DELAYS, NS_PER_SECOND, DELAYS.max, DELAYS.resolution);

export function eventLoopDelaySource(host: Host, precisionMs: number): Source {
  return {
    name: 'eventLoopDelay',
    scope: 'thread',
    open: (metrics) => open(metrics, host, precisionMs),
  };
}

function open(metrics: SourceMetrics, host: Host, precisionMs: number): OpenSource {
  const gauge = (suffix: string, aggregator: 'average' | 'min' | 'max', help: string) =>
    metrics.gauge({ name: `nodejs_eventloop_lag${suffix}_seconds`, help, aggregator, unit: 'seconds' })();
  const lag = gauge('', 'average', 'Lag of event loop in seconds.');
  const figures = [
    [gauge('_min', 'min', 'The minimum recorded event loop delay.'), (all: DelayHistogram) => all.min],
    [gauge('_max', 'max', 'The maximum recorded event loop delay.'), (all: DelayHistogram) => all.max],
    [
      gauge('_mean', 'average', 'The mean of the recorded event loop delays.'),
      (all: DelayHistogram) => all.mean,
    ],
    [
      gauge('_stddev', 'average', 'The standard deviation of the recorded event loop delays.'),
      (all: DelayHistogram) => all.stddev,
    ],
    ...([50, 90, 99] as const).map(
      (p) =>
        [
          gauge(`_p${p}`, 'average', `The ${p}th percentile of the recorded event loop delays.`),
          (all: DelayHistogram) => all.percentile(p),
        ] as const,
    ),
  ] as const;
  const delays = metrics.histogram({
    name: 'nodejs_eventloop_delay_seconds',
    help: `How much later than asked for a timer of ${precisionMs} ms fires.`,
    unit: 'seconds',
    perUnit: NS_PER_SECOND,
    ...DELAYS,
  })();
  const monitor = host.monitorEventLoopDelay(precisionMs);
  let cancelLag: (() => void) | undefined;
  return {
    sample: () => {
      // Where the loop has not come round since the last sample, there is nothing to tell.
      for (const [each, read] of figures)
        if (monitor.count === 0) each.clear();
        else each.set(read(monitor) / NS_PER_SECOND);
      recordAll(monitor, precisionMs * NS_PER_MS, delays);
      monitor.reset();
      const startMs = performance.now();
      return new Promise((resolve, reject) => {
        const immediate = setImmediate(() => {
          cancelLag = undefined;
          try {
            lag.set((performance.now() - startMs) / 1000);
            resolve();
          } catch (error) {
            reject(error);
          }
        });
        cancelLag = () => {
          clearImmediate(immediate);
          resolve();
        };
      });
    },
    close: () => {
      cancelLag?.();
      monitor.disable();
    },
  };
}

/**
 * Records what Node's histogram holds, each value in the right bucket: a rank is a percentile, and ranks between two of one bucket need not
 * be looked up. Some 2 × log2(values) lookups a bucket that is hit.
 */
export function recordAll(from: DelayHistogram, offsetNs: number, into: Pick<Histogram, 'recordMany'>): void {
  const { count } = from;
  if (count === 0) return;
  const at = (rank: number): number =>
    Math.max(0, Math.round(from.percentile((rank / count) * 100) - offsetNs));
  const record = (first: number, low: number, last: number, high: number): void => {
    if (last - first > 1 && bucketOf(SHAPE, low) !== bucketOf(SHAPE, high)) {
      const middle = (first + last) >>> 1;
      const between = at(middle);
      record(first, low, middle, between);
      record(middle, between, last, high);
      return;
    }
    // The lower end was recorded by the range before.
    if (last - first > 1) into.recordMany(low, last - first - 1);
    into.recordMany(high, 1);
  };
  const low = at(1);
  into.recordMany(low, 1);
  if (count > 1) record(1, low, count, at(count));
}
