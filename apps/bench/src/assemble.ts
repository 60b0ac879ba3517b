// Raw samples of a group's processes + its definition -> the group's part of the document.
import { type ClaimResult, judgeClaim } from './claims.ts';
import type { CaseReport, GroupReport, RatioReport, SeriesReport } from './document.ts';
import type { RawGroup, RawSeries } from './group-report.ts';
import { compareFigure } from './published.ts';
import { pairedRatios, summarise } from './statistics.ts';
import { type Group, NS_PER_OP, subjectsOf } from './suite.ts';

/** @param phases the reports of the timing process and, where there was one, of the allocation process */
export function assembleGroup(group: Group, phases: readonly RawGroup[], seed: number): GroupReport {
  const [timing] = phases;
  const raw = (name: string): Record<string, RawSeries> =>
    Object.assign(
      {},
      ...phases.map((phase) => phase.cases.find((found) => found.name === name)?.series ?? {}),
    );
  const samplesOf = (name: string, metric: string): readonly number[] | undefined =>
    raw(name)[metric]?.samples;

  const cases = subjectsOf(group).map((subject): CaseReport => {
    const timed = timing?.cases.find((found) => found.name === subject.name);
    return {
      name: subject.name,
      role: subject.role,
      note: subject.note ?? null,
      operations: timed?.operations ?? 0,
      operationsPerBatch: timed?.operationsPerBatch ?? 0,
      metrics: Object.fromEntries(
        Object.entries(raw(subject.name)).map(([metric, { unit, samples }]): [string, SeriesReport] => [
          metric,
          { unit, samples, ...summarise(samples, seed) },
        ]),
      ),
    };
  });
  const claims = (group.claims ?? []).map((claim): ClaimResult => judgeClaim(claim, samplesOf, seed));
  return {
    name: group.name,
    title: group.title,
    note: group.note ?? null,
    kind: group.kind,
    cases,
    ratios: ratiosOf(cases, seed),
    claims,
    publication: group.publication
      ? {
          source: group.publication.source,
          figures: group.publication.figures.map((figure) => compareFigure(figure, samplesOf, seed)),
        }
      : null,
    failures: phases.flatMap((phase) => phase.failures),
    rounds: timing?.rounds ?? [],
    conclusive: timing?.conclusive ?? true,
    clock: timing?.clock ?? null,
  };
}

function ratiosOf(cases: readonly CaseReport[], seed: number): RatioReport[] {
  const ours = cases.find((candidate) => candidate.role === 'ours');
  const against = ours?.metrics[NS_PER_OP]?.samples;
  if (!ours || !against) return [];
  return cases.flatMap((candidate): RatioReport[] => {
    if (candidate === ours || candidate.role === 'empty') return [];
    const ratios = pairedRatios(candidate.metrics[NS_PER_OP]?.samples ?? [], against);
    if (ratios.length === 0) return [];
    const { median, interval } = summarise(ratios, seed);
    return [{ of: candidate.name, against: ours.name, median, interval }];
  });
}
