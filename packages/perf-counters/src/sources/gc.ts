// Pauses of the garbage collector, by kind. prom-client's metric, with every pause: prom-client takes the first of each batch that Node tells.
import { constants } from 'node:perf_hooks';
import type { Host } from './host.ts';
import type { Source } from './source.ts';

const NS_PER_MS = 1e6;
const SECONDS: readonly number[] = [0.001, 0.01, 0.1, 1, 2, 5];

const KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
  /** With --minor-ms; its constant is not in all versions. */
  [2, 'minor'],
]);

export function gcSource(host: Host, buckets: readonly number[] = SECONDS): Source {
  return {
    name: 'gc',
    scope: 'thread',
    open: (metrics) => {
      const duration = metrics.histogram({
        name: 'nodejs_gc_duration_seconds',
        help: 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
        labels: ['kind'],
        unit: 'seconds',
        perUnit: 1e9,
        buckets,
      });
      // Told to the sample: nobody else would catch it.
      let failure: unknown;
      const observer = host.observeGc(({ kind, durationMs }) => {
        try {
          duration(KINDS.get(kind) ?? 'unknown').record(Math.round(durationMs * NS_PER_MS));
        } catch (error) {
          failure = error;
        }
      });
      return {
        sample: () => {
          observer.flush();
          const thrown = failure;
          failure = undefined;
          if (thrown !== undefined) throw thrown;
        },
        close: () => observer.disconnect(),
      };
    },
  };
}
