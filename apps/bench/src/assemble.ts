// Raw samples of a group's processes + its definition -> the group's part of the document.
import { type ClaimResult, judgeClaim } from './claims.ts';
import type { CaseReport, GroupReport, RatioReport, SeriesReport } from './document.ts';
import type { RawGroup, RawSeries } from './group-report.ts';
import { compareFigure } from './published.ts';
import { pairedRatios, summarise } from './statistics.ts';
import { type BatchCase, type Group, NS_PER_OP, type Scenario, subjectsOf } from './suite.ts';

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
      unavailable: timed?.unavailable ?? null,
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
    ratios: ratiosOf(subjectsOf(group), cases, seed),
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

function ratiosOf(
  subjects: readonly (BatchCase | Scenario)[],
  cases: readonly CaseReport[],
  seed: number,
): RatioReport[] {
  const samplesOf = (name: string): readonly number[] =>
    cases.find((candidate) => candidate.name === name)?.metrics[NS_PER_OP]?.samples ?? [];
  return subjects.flatMap((subject): RatioReport[] => {
    const against = counterpart(subject, subjects);
    if (against === undefined || subject.role === 'empty') return [];
    const ratios = pairedRatios(samplesOf(subject.name), samplesOf(against));
    if (ratios.length === 0) return [];
    const { median, interval } = summarise(ratios, seed);
    return [{ of: subject.name, against, median, interval }];
  });
}

/** The case of ours that `subject` is compared with: the one it names, else the group's first, unless it is one of those itself. */
function counterpart(
  subject: BatchCase | Scenario,
  subjects: readonly (BatchCase | Scenario)[],
): string | undefined {
  const explicit = named(subject);
  if (explicit !== undefined) return explicit;
  const first = subjects.find(({ role }) => role === 'ours')?.name;
  const isOne = subject.name === first || subjects.some((candidate) => named(candidate) === subject.name);
  return isOne ? undefined : first;
}

function named(candidate: BatchCase | Scenario): string | undefined {
  return 'against' in candidate ? candidate.against : undefined;
}
