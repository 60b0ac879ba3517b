// What the compression guards of the check threads have found, in the shared registry: every thread writes slots of its own.
import { OUTCOMES, type Inspection, type Outcome } from '@corelane/atomic-state';
import type {
  Counter,
  DistributionMetric,
  Family,
  Gauge,
  Histogram,
  Registry,
  RegistrySnapshot,
  ValueMetric,
} from '@corelane/perf-counters';

const INSPECTIONS_TOTAL = 'gateway_guard_inspections_total';
const BYTES_TOTAL = 'gateway_guard_bytes_total';
const RATIO = 'gateway_guard_ratio';
const LARGEST_RATIO = 'gateway_guard_largest_ratio';

/** Label of bodies that are not compressed. */
const NO_FORMAT = 'none';
/** 8 formats × 12 outcomes, with room. */
const SERIES = 128;
/** Ratios are counted in hundredths. */
const STEPS = 100;

export class GuardBook {
  readonly #inspections: Family<Counter, readonly ['format', 'outcome']>;
  readonly #bytes: Family<Counter, readonly ['format', 'direction']>;
  readonly #ratios: Family<Histogram, readonly ['format']>;
  readonly #largestRatio: Family<Gauge, readonly ['format']>;
  readonly #largest = new Map<string, number>();

  constructor(registry: Registry) {
    this.#inspections = registry.counter({
      name: INSPECTIONS_TOTAL,
      help: 'Bodies that check threads have looked at, by format (none: not compressed) and outcome.',
      labels: ['format', 'outcome'],
      maxSeries: SERIES,
    });
    this.#bytes = registry.counter({
      name: BYTES_TOTAL,
      help: 'Bytes of compressed bodies, as they came in and as they came out until the end or a cap.',
      labels: ['format', 'direction'],
    });
    // Its counts stay where a thread dies; a gauge goes with it.
    this.#ratios = registry.histogram({
      name: RATIO,
      help: 'Bytes out to bytes in of compressed bodies, those of bombs up to the cap.',
      labels: ['format'],
      perUnit: STEPS,
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    });
    this.#largestRatio = registry.gauge({
      name: LARGEST_RATIO,
      help: 'Largest of these ratios that a check thread which is alive has seen.',
      labels: ['format'],
      aggregator: 'max',
    });
  }

  /** @param inspection undefined: the body was not compressed */
  enter(inspection: Inspection | undefined): void {
    const format = inspection?.format ?? NO_FORMAT;
    this.#inspections.labels(format, inspection?.outcome ?? 'plain').inc();
    if (inspection === undefined) return;
    const { bytesIn, bytesOut, ratio } = inspection;
    this.#bytes.labels(format, 'in').inc(bytesIn);
    this.#bytes.labels(format, 'out').inc(bytesOut);
    this.#ratios.labels(format).record(Math.round(ratio * STEPS));
    if (ratio <= (this.#largest.get(format) ?? 0)) return;
    this.#largest.set(format, ratio);
    this.#largestRatio.labels(format).set(ratio);
  }
}

export interface GuardFormatFigures {
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly largestRatio: number;
}

/** By format; `none` are those that were not compressed. Only formats that were seen. */
export function guardFigures(snapshot: RegistrySnapshot): Record<string, GuardFormatFigures> {
  const inspections = seriesOf(snapshot, INSPECTIONS_TOTAL);
  const bytes = seriesOf(snapshot, BYTES_TOTAL);
  const ratios = snapshot.metrics.find(({ name }) => name === RATIO) as DistributionMetric | undefined;
  const formats = [...new Set(inspections.map(({ labels }) => String(labels['format'])))].toSorted();
  const figures = formats.map((format): [string, GuardFormatFigures] => {
    const of = (series: readonly Series[], label: string, value: string): number =>
      series
        .filter(({ labels }) => labels['format'] === format && labels[label] === value)
        .reduce((sum, each) => sum + each.value, 0);
    const outcomes = OUTCOMES.map((outcome) => [outcome, of(inspections, 'outcome', outcome)] as const);
    return [
      format,
      {
        outcomes: Object.fromEntries(outcomes) as Record<Outcome, number>,
        bytesIn: of(bytes, 'direction', 'in'),
        bytesOut: of(bytes, 'direction', 'out'),
        largestRatio: ratios?.series.find(({ labels }) => labels['format'] === format)?.max ?? 0,
      },
    ];
  });
  return Object.fromEntries(figures);
}

type Series = ValueMetric['series'][number];

function seriesOf(snapshot: RegistrySnapshot, name: string): readonly Series[] {
  const metric = snapshot.metrics.find((each) => each.name === name);
  return metric === undefined ? [] : (metric as ValueMetric).series;
}
