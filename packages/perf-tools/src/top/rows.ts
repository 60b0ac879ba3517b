// What a table of metrics shows: pure, from two snapshots.
import type { ParsedSnapshot } from '@corelane/perf-counters';
import { diffSnapshots } from '@corelane/perf-counters/channel';
import { quantityOf, type Quantity } from './figures.ts';
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
  /** A second, since the snapshot before; null where there was none. Undefined where a rate means nothing: of a gauge. */
  readonly rate: number | null | undefined;
  /** Of a histogram; null where nothing was recorded or a writer's is not known, undefined for all else. */
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

const PLAIN = { p50: undefined, p99: undefined, max: undefined, isDistribution: false } as const;

/**
 * All series of the newer snapshot, in its order.
 * @param recent quantiles of what was recorded between the two, in place of all since the beginning; they are as fine as the buckets
 */
export function rowGroups(
  previous: ParsedSnapshot | undefined,
  current: ParsedSnapshot,
  recent = false,
): RowGroup[] {
  const threadOf = new Map(current.writers.map(({ writer, threadId }) => [writer, threadId]));
  const writerName = (writer: number): string => `thread ${threadOf.get(writer) ?? '?'} (writer ${writer})`;
  // Metrics, series and writers of a difference are in the order of the newer snapshot.
  const diff = previous === undefined ? undefined : diffSnapshots(previous, current);
  return current.metrics.flatMap((metric, m) => {
    const quantity = quantityOf(metric);
    return metric.series.map((series, s): RowGroup => {
      const name = harmless(seriesName(metric.name, series.labels));
      const change = diff?.metrics[m]?.series[s];
      const isGauge = metric.type === 'gauge';
      const rate = isGauge ? undefined : (change?.perSecond ?? null);
      const rateOf = (w: number): Row['rate'] =>
        isGauge ? undefined : (change?.byWriter[w]?.perSecond ?? null);
      const base = { name, depth: 0, quantity, rate };
      const writer = (w: number): Pick<Row, 'name' | 'depth' | 'quantity' | 'rate'> => ({
        ...{ name: writerName(series.byWriter[w]?.writer as number), depth: 1, quantity, rate: rateOf(w) },
      });
      if ('value' in series)
        return {
          ...{ ...base, value: series.value, ...PLAIN },
          byWriter: series.byWriter.map(({ value }, w) => ({ ...writer(w), value, ...PLAIN })),
        };
      const { p50, p99 } =
        recent && change !== undefined && 'quantiles' in change ? change.quantiles : series.quantiles;
      return {
        ...{ ...base, value: series.count, p50, p99, max: series.max, isDistribution: true },
        byWriter: series.byWriter.map(({ count, max }, w) => ({
          ...{ ...writer(w), value: count, p50: null, p99: null, max, isDistribution: true },
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

function seriesName(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}
