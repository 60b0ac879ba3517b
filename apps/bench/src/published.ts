// What others have published, with the same figure as it is measured here.
import type { Lookup } from './claims.ts';
import type { PublishedReport } from './document.ts';
import { pairedRatios, summarise } from './statistics.ts';
import { NS_PER_OP, type PublishedFigure } from './suite.ts';

const NS_PER_US = 1000;
const PER_CENT = 100;

export function compareFigure(figure: PublishedFigure, samplesOf: Lookup, seed: number): PublishedReport {
  const { what, published, unit } = figure;
  const samples = samplesFor(figure, samplesOf);
  const measured = samples.length === 0 ? null : summarise(samples, seed).median;
  return { what, published, unit, measured };
}

function samplesFor(figure: PublishedFigure, samplesOf: Lookup): readonly number[] {
  const { of, unit, against, metric = NS_PER_OP } = figure;
  const samples = samplesOf(of, metric) ?? [];
  if (unit === 'M ops/s') return samples.map((ns) => NS_PER_US / ns);
  if (against === undefined) return samples;
  // As fast as `against` is 100: its time by that of the case.
  return pairedRatios(samplesOf(against, metric) ?? [], samples).map((ratio) => PER_CENT * ratio);
}
