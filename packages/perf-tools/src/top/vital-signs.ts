// The process in one line, from the metrics that it has under the names that prom-client gave them, with a prefix or without.
import type { ParsedSnapshot } from '@corelane/perf-counters';
import { figure, percent, type Metric } from './figures.ts';

/** CPU time as of when the process last looked at it, which it does more seldom than we look at the process. */
export interface CpuUse {
  readonly seconds: number;
  /** Since 1970. */
  readonly atS: number;
  /** Of one CPU, between the last two times; undefined before there are two. */
  readonly share: number | undefined;
}

/** What is known of the CPU time after a further snapshot; undefined where the process does not count it. */
export function nextCpuUse(before: CpuUse | undefined, snapshot: ParsedSnapshot): CpuUse | undefined {
  const seconds = totalOf(snapshot, 'process_cpu_seconds_total');
  if (seconds === undefined) return undefined;
  const atS = sampledAtS(snapshot) ?? snapshot.takenAtMs / 1000;
  if (before === undefined || seconds < before.seconds) return { seconds, atS, share: undefined };
  if (atS <= before.atS) return before;
  return { seconds, atS, share: (seconds - before.seconds) / (atS - before.atS) };
}

export interface Vital {
  readonly previous?: ParsedSnapshot;
  readonly current: ParsedSnapshot;
  readonly cpu?: CpuUse;
  readonly startedAtMs: number;
}

/** Such as `CPU 53%`; none for what the process does not count. */
export function vitalSigns({ previous, current, cpu, startedAtMs }: Vital): string[] {
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
    ['CPU', cpu === undefined ? undefined : cpuText(cpu, startedAtMs / 1000)],
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

/** Until there are two figures: what it was on average before the first. */
function cpuText({ seconds, share, atS }: CpuUse, startedAtS: number): string {
  const upS = atS - startedAtS;
  return share === undefined ? `${percent(upS > 0 ? seconds / upS : 0)} since its start` : percent(share);
}

/** When the CPU time was looked at: by the thread that does it for the process, while others look at their own figures at other times. */
function sampledAtS(snapshot: ParsedSnapshot): number | undefined {
  const byWriter = (name: string): readonly { readonly writer: number; readonly value: number | null }[] =>
    metricOf(snapshot, name)?.series.flatMap((series) => ('value' in series ? series.byWriter : [])) ?? [];
  const lookers = new Set(byWriter('process_cpu_seconds_total').map(({ writer }) => writer));
  const times = byWriter('corelane_sources_sampled_timestamp_seconds')
    .filter(({ writer }) => lookers.has(writer))
    .flatMap(({ value }) => value ?? []);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Over all series: a histogram's sum, what else has a value. */
function totalOf(snapshot: ParsedSnapshot, name: string): number | undefined {
  const metric = metricOf(snapshot, name);
  if (metric === undefined || metric.series.length === 0) return undefined;
  const figures = metric.series.map((series) => ('quantiles' in series ? series.sum : series.value));
  // Null is one that is not finite: with it, the whole is not known.
  if (!figures.every((each) => each !== null)) return undefined;
  // Threads that each measure their own delay: the worst one is the process's. All else adds up.
  return name.includes('_lag_') ? Math.max(...figures) : figures.reduce((a, b) => a + b, 0);
}

/** By its name, with a prefix or without. */
function metricOf(snapshot: ParsedSnapshot, name: string): Metric | undefined {
  return snapshot.metrics.find((each: Metric) => each.name === name || each.name.endsWith(`_${name}`));
}
