// What a guard has seen, as figures.
import { FORMATS, type Format } from './format.ts';
import { isPassed, OUTCOMES, type Inspection, type Outcome } from './inspection.ts';

export interface FormatMetrics {
  readonly inspected: number;
  readonly passed: number;
  readonly refused: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Of everything inspected, refused payloads included. */
  readonly largestRatio: number;
}

export interface GuardMetrics extends FormatMetrics {
  /** Sums to `inspected`. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Plain payloads have no format. */
  readonly formats: Readonly<Record<Format, FormatMetrics>>;
  /** Inspections that rejected: aborted, or `visit` threw. Not among `inspected`. */
  readonly rejected: number;
  readonly running: number;
  readonly waiting: number;
}

type Sums = { -readonly [K in keyof FormatMetrics]: FormatMetrics[K] };

function zeros(): Sums {
  return { inspected: 0, passed: 0, refused: 0, bytesIn: 0, bytesOut: 0, largestRatio: 0 };
}

export class GuardFigures {
  readonly #total = zeros();
  readonly #outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  readonly #formats = Object.fromEntries(FORMATS.map((format) => [format, zeros()])) as Record<Format, Sums>;
  rejected = 0;

  record(inspection: Inspection): void {
    this.#outcomes[inspection.outcome]++;
    add(this.#total, inspection);
    if (inspection.format !== undefined) add(this.#formats[inspection.format], inspection);
  }

  read(running: number, waiting: number): GuardMetrics {
    const formats = FORMATS.map((format) => [format, { ...this.#formats[format] }] as const);
    return {
      ...this.#total,
      outcomes: { ...this.#outcomes },
      formats: Object.fromEntries(formats) as Record<Format, FormatMetrics>,
      rejected: this.rejected,
      running,
      waiting,
    };
  }
}

function add(sums: Sums, { outcome, bytesIn, bytesOut, ratio }: Inspection): void {
  sums.inspected++;
  if (isPassed(outcome)) sums.passed++;
  else sums.refused++;
  sums.bytesIn += bytesIn;
  sums.bytesOut += bytesOut;
  if (ratio > sums.largestRatio) sums.largestRatio = ratio;
}
