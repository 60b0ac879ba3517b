// What the cases record into: a registry in an arena, and one of prom-client.
import { Registry } from '@corelane/perf-counters';
import { Arena } from '@corelane/shared-memory';
import * as prom from 'prom-client';

const LABELS = ['method', 'route', 'code'] as const;
export const VALUES = ['POST', '/hooks', '202'] as const;
export const VALUES_BY_NAME = { method: 'POST', route: '/hooks', code: '202' } as const;
/** Milliseconds, prom-client's defaults times 1000. */
export const BOUNDS_MS: readonly number[] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const help = 'measured';

let shared: Registry | undefined;
let metrics = 0;

/** One for all cases of a process, as a service has it. */
function registry(): Registry {
  shared ??= Registry.create(Arena.create({ bytes: 1 << 24 }), { series: 256, writers: 2 });
  return shared;
}

/** A name that no case has used: each run of `setup` starts from 0. */
function freshName(): string {
  return `metric_${metrics++}`;
}

export const newCounter = () => registry().counter({ name: freshName(), help });
export const newLabelled = () => registry().counter({ name: freshName(), help, labels: LABELS });
export const newHistogram = (buckets?: readonly number[]) =>
  registry().histogram({ name: freshName(), help, ...(buckets !== undefined && { buckets }) });
export const newTimer = () => registry().timer({ name: `${freshName()}_seconds`, help });

let off: Registry | undefined;

/** One for all cases of a process, switched off. */
function disabledRegistry(): Registry {
  return (off ??= Registry.disabled());
}

export const disabledCounter = () => disabledRegistry().counter({ name: freshName(), help });
export const disabledHistogram = () => disabledRegistry().histogram({ name: freshName(), help });
export const sampledTimer = (sampleEvery: number) =>
  registry().timer({ name: `${freshName()}_seconds`, help, sampleEvery });
export const newRate = () => registry().rate({ name: freshName(), help });

const registers = (): prom.Registry[] => [new prom.Registry()];
export const promCounter = () => new prom.Counter({ name: freshName(), help, registers: registers() });
export const promLabelled = () =>
  new prom.Counter({ name: freshName(), help, labelNames: LABELS, registers: registers() });
export const promHistogram = () =>
  new prom.Histogram({ name: freshName(), help, buckets: [...BOUNDS_MS], registers: registers() });
export const promLabelledHistogram = () =>
  new prom.Histogram({
    name: freshName(),
    help,
    labelNames: LABELS,
    buckets: [...BOUNDS_MS],
    registers: registers(),
  });

export async function promCount(metric: prom.Counter): Promise<number> {
  return (await metric.get()).values[0]?.value ?? 0;
}

/** The `_count` of a histogram with one series. */
export async function promObservations(metric: prom.Histogram): Promise<number> {
  const { values } = await metric.get();
  return values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0;
}
