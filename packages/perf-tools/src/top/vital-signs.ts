// The process in one line, from the metrics that it has under the names that prom-client gave them, with a prefix or without.
import type { RegistrySnapshot } from '@corelane/perf-counters';
import { figure, percent, type Metric } from './figures.ts';

/** Such as `CPU 53%`; none for what the process does not count. */
export function vitalSigns(previous: RegistrySnapshot | undefined, current: RegistrySnapshot): string[] {
  const elapsedS = previous === undefined ? 0 : (current.monotonicMs - previous.monotonicMs) / 1000;
  const share = (name: string): string | undefined => {
    const now = totalOf(current, name);
    const then = previous && totalOf(previous, name);
    if (now === undefined || then === undefined || elapsedS <= 0 || now < then) return undefined;
    return percent((now - then) / elapsedS);
  };
  const value = (name: string, quantity: 'bytes' | 'seconds' | 'plain'): string | undefined => {
    const found = totalOf(current, name);
    return found === undefined ? undefined : figure(found, quantity);
  };
  const ratio = (name: string): string | undefined => {
    const found = totalOf(current, name);
    return found === undefined ? undefined : percent(found);
  };
  const heap = [
    value('nodejs_heap_size_used_bytes', 'bytes'),
    value('nodejs_heap_size_total_bytes', 'bytes'),
  ];
  const signs: readonly (readonly [string, string | undefined])[] = [
    ['CPU', share('process_cpu_seconds_total')],
    ['RSS', value('process_resident_memory_bytes', 'bytes')],
    [
      'heap',
      heap[0] === undefined ? undefined : heap[1] === undefined ? heap[0] : `${heap[0]} of ${heap[1]}`,
    ],
    ['loop use', ratio('nodejs_eventloop_utilization_ratio')],
    ['loop delay p99', value('nodejs_eventloop_lag_p99_seconds', 'seconds')],
    ['GC', share('nodejs_gc_duration_seconds')],
    ['handles', value('nodejs_active_handles_total', 'plain')],
  ];
  return signs.flatMap(([name, text]) => (text === undefined ? [] : [`${name} ${text}`]));
}

/** Over all series: a histogram's sum, what else has a value. */
function totalOf(snapshot: RegistrySnapshot, name: string): number | undefined {
  const metric = snapshot.metrics.find(
    (each: Metric) => each.name === name || each.name.endsWith(`_${name}`),
  );
  if (metric === undefined || metric.series.length === 0) return undefined;
  // Threads that each measure their own delay: the worst one is the process's. All else adds up.
  const figures = metric.series.map((series) => ('quantiles' in series ? series.sum : series.value));
  return name.includes('_lag_') ? Math.max(...figures) : figures.reduce((a, b) => a + b, 0);
}
