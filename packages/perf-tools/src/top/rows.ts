// What a table of metrics shows: pure, from two snapshots.
import type { RegistrySnapshot } from '@corelane/perf-counters';
import { quantityOf, type Metric, type Quantity } from './figures.ts';
import { harmless } from './text-width.ts';

/** A series, or what one writer has of it. */
export interface Row {
  /** Name and labels, or whose it is. */
  readonly name: string;
  /** 0, or 1 for a writer's. */
  readonly depth: number;
  readonly quantity: Quantity;
  /** Of a histogram: how many values. */
  readonly value: number | null;
  /** A second, since the snapshot before; null where there was none before, or where that had more. Undefined where a rate means nothing: of a gauge. */
  readonly rate: number | null | undefined;
  /** Of a histogram, all since the beginning; null where nothing was recorded or a writer's is not known, undefined for all else. */
  readonly p50: number | null | undefined;
  readonly p99: number | null | undefined;
  readonly max: number | null | undefined;
  /** Values of a histogram are counted, not of its unit. */
  readonly isDistribution: boolean;
}

/** A series with what its writers have of it. */
export interface RowGroup extends Row {
  readonly byWriter: readonly Row[];
}

export type SortKey = 'name' | 'value' | 'rate';

/** The quantities that two snapshots tell of a series. */
interface Figures {
  readonly value: number;
  readonly byWriter: ReadonlyMap<number, number>;
}

const PLAIN = { p50: undefined, p99: undefined, max: undefined, isDistribution: false } as const;

/** All series of the newer snapshot, in its order. */
export function rowGroups(previous: RegistrySnapshot | undefined, current: RegistrySnapshot): RowGroup[] {
  const before = previous === undefined ? new Map<string, Figures>() : figuresOf(previous);
  const elapsedS = previous === undefined ? 0 : (current.takenAtMs - previous.takenAtMs) / 1000;
  // What was not there before has begun at 0 since. Less than before: somebody else counts now.
  const rate = (now: number, then = 0): number | null =>
    elapsedS <= 0 || now < then ? null : (now - then) / elapsedS;
  const threadOf = new Map(current.writers.map(({ writer, threadId }) => [writer, threadId]));
  const writerName = (writer: number): string => `thread ${threadOf.get(writer) ?? '?'} (writer ${writer})`;
  return current.metrics.flatMap((metric) => {
    const quantity = quantityOf(metric);
    return metric.series.map((series): RowGroup => {
      const name = harmless(seriesName(metric.name, series.labels));
      const then = before.get(keyOf(metric, series.labels));
      const hasRate = metric.type !== 'gauge';
      if ('quantiles' in series) {
        const { quantiles, max, count } = series;
        return {
          ...{ name, depth: 0, quantity, value: count, rate: rate(count, then?.value) },
          ...{ p50: quantiles.p50, p99: quantiles.p99, max, isDistribution: true },
          byWriter: series.byWriter.map((each) => ({
            ...{ name: writerName(each.writer), depth: 1, quantity, value: each.count },
            rate: rate(each.count, then?.byWriter.get(each.writer)),
            ...{ p50: null, p99: null, max: each.max, isDistribution: true },
          })),
        };
      }
      return {
        ...{ name, depth: 0, quantity, value: series.value, ...PLAIN },
        rate: hasRate ? rate(series.value, then?.value) : undefined,
        byWriter: series.byWriter.map((each) => ({
          ...{ name: writerName(each.writer), depth: 1, quantity, value: each.value, ...PLAIN },
          rate: hasRate ? rate(each.value, then?.byWriter.get(each.writer)) : undefined,
        })),
      };
    });
  });
}

/** Those whose name has the text in it, whatever the case; sorted; with their writers where those are asked for. */
export function visibleRows(
  groups: readonly RowGroup[],
  view: { readonly filter: string; readonly sort: SortKey; readonly perWriter: boolean },
): Row[] {
  const wanted = view.filter.toLowerCase();
  const found = groups.filter(({ name }) => name.toLowerCase().includes(wanted));
  found.sort((a, b) => {
    const byFigure = view.sort === 'name' ? 0 : (b[view.sort] ?? -Infinity) - (a[view.sort] ?? -Infinity);
    return byFigure || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0); // NaN, of two infinities, is no order
  });
  return found.flatMap((group) => (view.perWriter ? [group, ...group.byWriter] : [group]));
}

function figuresOf(snapshot: RegistrySnapshot): Map<string, Figures> {
  const figures = new Map<string, Figures>();
  for (const metric of snapshot.metrics)
    for (const series of metric.series) {
      const [value, byWriter] =
        'quantiles' in series
          ? [series.count, series.byWriter.map(({ writer, count }) => [writer, count] as const)]
          : [series.value, series.byWriter.map((each) => [each.writer, each.value] as const)];
      figures.set(keyOf(metric, series.labels), { value, byWriter: new Map(byWriter) });
    }
  return figures;
}

function keyOf({ name, type }: Metric, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, type, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

function seriesName(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}
