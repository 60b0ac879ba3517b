// Prometheus text exposition format 0.0.4, from a snapshot.
import type { DistributionMetric, DistributionSeries, RegistrySnapshot, ValueMetric } from './snapshot.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const TYPES = {
  counter: 'counter',
  upDownCounter: 'gauge',
  gauge: 'gauge',
  histogram: 'histogram',
  timer: 'histogram',
} as const;

export function prometheusText(snapshot: RegistrySnapshot): string {
  const lines: string[] = [];
  for (const metric of snapshot.metrics) {
    const { name } = metric;
    lines.push(`# HELP ${name} ${escapeHelp(metric.help)}`, `# TYPE ${name} ${TYPES[metric.type]}`);
    if (isDistribution(metric)) for (const series of metric.series) pushDistribution(lines, name, series);
    else
      for (const { labels, value } of metric.series)
        lines.push(`${name}${braces(pairs(labels))} ${number(value)}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function isDistribution(metric: ValueMetric | DistributionMetric): metric is DistributionMetric {
  return metric.type === 'histogram' || metric.type === 'timer';
}

function pushDistribution(
  lines: string[],
  name: string,
  { labels, count, sum, buckets }: DistributionSeries,
): void {
  const own = pairs(labels);
  for (const bucket of buckets)
    lines.push(`${name}_bucket${braces([...own, `le="${number(bucket.le ?? Infinity)}"`])} ${bucket.count}`);
  lines.push(`${name}_sum${braces(own)} ${number(sum)}`, `${name}_count${braces(own)} ${count}`);
}

function pairs(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([label, value]) => `${label}="${escapeValue(value)}"`);
}

function braces(inside: readonly string[]): string {
  return inside.length === 0 ? '' : `{${inside.join(',')}}`;
}

function number(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
