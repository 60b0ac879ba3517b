// Looking things up in a snapshot of the registry.
import type { DistributionSeries, RegistrySnapshot, ValueMetric, ValueSeries } from '@corelane/perf-counters';

/** Series of a counter or gauge; none where nobody has defined it. */
export function valuesOf(snapshot: RegistrySnapshot, name: string): readonly ValueSeries[] {
  const metric = snapshot.metrics.find((each) => each.name === name);
  if (metric === undefined || metric.type === 'histogram' || metric.type === 'timer') return [];
  return (metric as ValueMetric).series;
}

/** Over all labels. */
export function totalOf(snapshot: RegistrySnapshot, name: string): number {
  return valuesOf(snapshot, name).reduce((sum, { value }) => sum + value, 0);
}

/** Series of a timer; none where nobody has defined it. */
export function timesOf(snapshot: RegistrySnapshot, name: string): readonly DistributionSeries[] {
  const metric = snapshot.metrics.find((each) => each.name === name);
  return metric?.type === 'timer' ? metric.series : [];
}
