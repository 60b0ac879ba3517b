// Lines of the Prometheus text exposition format 0.0.4.
import type { Definition } from './definition.ts';
import type { Distribution } from './distribution.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const TYPES = {
  counter: 'counter',
  upDownCounter: 'gauge',
  gauge: 'gauge',
  histogram: 'histogram',
  timer: 'histogram',
} as const;

export function pushHead(lines: string[], { name, help, type }: Definition): void {
  lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${TYPES[type]}`);
}

/** @param labels what `labelText` made of them */
export function pushValue(lines: string[], name: string, labels: string, value: number): void {
  lines.push(`${name}${braces(labels)} ${number(value)}`);
}

/** @param labels what `labelText` made of them */
export function pushDistribution(
  lines: string[],
  name: string,
  labels: string,
  distribution: Distribution,
): void {
  const before = `${name}_bucket{${labels}${labels === '' ? '' : ','}le="`;
  for (const { le, count } of distribution.buckets()) lines.push(`${before}${number(le)}"} ${count}`);
  const own = braces(labels);
  lines.push(`${name}_sum${own} ${number(distribution.sum)}`, `${name}_count${own} ${distribution.count}`);
}

/** `code="202",route="/"`, escaped. */
export function labelText(labels: readonly string[], values: readonly string[]): string {
  return labels.map((label, i) => `${label}="${escapeValue(values[i] as string)}"`).join(',');
}

function braces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
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
