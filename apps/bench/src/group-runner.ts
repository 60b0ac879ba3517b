// Runs one group in this process.
import { ALLOCATION_FLAGS, measureAllocation } from './allocation.ts';
import { BatchSubject, type Sample, unavailable } from './batch-subject.ts';
import { measureClock } from './clock.ts';
import { collectAll } from './collect.ts';
import { CaseError, messageOf } from './errors.ts';
import type { Failure, RawCase, RawGroup, RawSeries } from './group-report.ts';
import type { Profile } from './profile.ts';
import { randomFrom } from './random.ts';
import { type Rounds, roundOptions, runRounds } from './rounds.ts';
import { type BatchGroup, BYTES_PER_OP, type Group, NS_PER_OP, type ScenarioGroup } from './suite.ts';

export type Progress = (text: string) => void;

const NO_ROUNDS: Rounds = { samples: [], log: [], conclusive: true };

function failureOf(error: unknown): Failure {
  return { case: error instanceof CaseError ? error.caseName : null, reason: messageOf(error) };
}

/** Times every case of the group. */
export async function timeGroup(group: Group, profile: Profile, progress: Progress): Promise<RawGroup> {
  const clock = measureClock();
  return group.kind === 'batch'
    ? { ...(await timeBatches(group, profile, progress)), clock }
    : { ...(await runScenarios(group, profile, progress)), clock };
}

async function timeBatches(group: BatchGroup, profile: Profile, progress: Progress): Promise<RawGroup> {
  const subjects = group.cases.map((definition) => new BatchSubject(definition, profile.quick));
  const failures: Failure[] = [];
  const started: BatchSubject[] = [];
  const lacking = new Map<string, string>();
  let rounds = NO_ROUNDS;
  try {
    for (const subject of subjects) {
      started.push(subject);
      const reason = await subject.setup();
      if (reason !== null) {
        lacking.set(subject.definition.name, reason);
        continue;
      }
      progress(`warming up ${subject.definition.name}`);
      await subject.warmUp(profile);
    }
    collectAll();
    rounds = await runRounds(
      subjects
        .filter((subject) => !lacking.has(subject.definition.name))
        .map((subject) => ({ name: subject.definition.name, measure: () => subject.measure() })),
      {
        ...roundOptions(profile),
        rounds: profile.rounds,
        random: randomFrom(profile.seed),
        onRound: (clean, attempts) => progress(`round ${attempts}: ${clean} of ${profile.rounds} counted`),
      },
    );
  } catch (error) {
    failures.push(failureOf(error));
  }
  for (const subject of started)
    failures.push(...(await finish(subject, !lacking.has(subject.definition.name))));
  const empty = group.cases.find((definition) => definition.role === 'empty')?.name;
  const cases = subjects.map((subject): RawCase => {
    const { name, bare = false } = subject.definition;
    const { operations, operationsPerBatch } = subject;
    const series = seriesOf(rounds.samples, name, bare ? undefined : empty);
    return { name, operations, operationsPerBatch, series, unavailable: lacking.get(name) ?? null };
  });
  return { cases, failures, rounds: rounds.log, conclusive: rounds.conclusive, clock: null };
}

/** The final check, where the case ran, and its end. A case that failed already may well fail here again: both are reported. */
async function finish(subject: BatchSubject, ran: boolean): Promise<Failure[]> {
  const failures: Failure[] = [];
  try {
    const wrong = ran ? await subject.check() : undefined;
    if (wrong !== undefined)
      failures.push({ case: subject.definition.name, reason: `wrong final state: ${wrong}` });
  } catch (error) {
    failures.push(failureOf(error));
  }
  try {
    await subject.teardown();
  } catch (error) {
    failures.push(failureOf(error));
  }
  return failures;
}

/** A case's figures by metric, the empty loop of the same round subtracted from its time. */
export function seriesOf(
  rounds: readonly ReadonlyMap<string, Sample>[],
  name: string,
  empty: string | undefined,
): Record<string, RawSeries> {
  const series: Record<string, { unit: string; samples: number[] }> = {};
  for (const round of rounds) {
    const emptyNs = empty === undefined || empty === name ? 0 : (round.get(empty)?.[NS_PER_OP]?.value ?? 0);
    for (const [metric, { value, unit }] of Object.entries(round.get(name) ?? {}))
      (series[metric] ??= { unit, samples: [] }).samples.push(
        metric === NS_PER_OP ? Math.max(0, value - emptyNs) : value,
      );
  }
  return series;
}

async function runScenarios(group: ScenarioGroup, profile: Profile, progress: Progress): Promise<RawGroup> {
  const failures: Failure[] = [];
  const runs = new Map<string, number>();
  let rounds = NO_ROUNDS;
  const lacking = new Map<string, string>();
  const started: ScenarioGroup['scenarios'][number][] = [];
  try {
    for (const scenario of group.scenarios) {
      started.push(scenario);
      const reason = await unavailable(scenario);
      if (reason !== null) lacking.set(scenario.name, reason);
    }
    const runnable = group.scenarios.filter(({ name }) => !lacking.has(name));
    const subjects = runnable.map((scenario) => ({
      name: scenario.name,
      async measure(): Promise<Sample> {
        const { name } = scenario;
        progress(`running ${name}`);
        try {
          const metrics = await scenario.run({ quick: profile.quick, seed: profile.seed });
          runs.set(name, (runs.get(name) ?? 0) + 1);
          const wrong = await scenario.check(metrics);
          if (wrong !== undefined) failures.push({ case: name, reason: `wrong final state: ${wrong}` });
          return metrics;
        } catch (cause) {
          throw new CaseError(name, `the run threw: ${messageOf(cause)}`, { cause });
        }
      },
    }));
    // A scenario's own processes count as foreign until they end: load is logged and not judged.
    rounds = await runRounds(subjects, {
      rounds: profile.quick ? 1 : group.rounds,
      random: randomFrom(profile.seed),
      maxForeignCpus: null,
    });
  } catch (error) {
    failures.push(failureOf(error));
  }
  for (const scenario of started) {
    try {
      await scenario.teardown?.();
    } catch (cause) {
      failures.push({ case: scenario.name, reason: `teardown threw: ${messageOf(cause)}` });
    }
  }
  const cases = group.scenarios.map(({ name }) => ({
    name,
    operations: runs.get(name) ?? 0,
    operationsPerBatch: 1,
    series: seriesOf(rounds.samples, name, undefined),
    unavailable: lacking.get(name) ?? null,
  }));
  return { cases, failures, rounds: rounds.log, conclusive: rounds.conclusive, clock: null };
}

/** Bytes per operation of the cases that ask for it. Needs a process started with ALLOCATION_FLAGS. */
export async function measureGroupAllocation(
  group: Group,
  profile: Profile,
  progress: Progress,
): Promise<RawGroup> {
  if (!ALLOCATION_FLAGS.every((flag) => process.execArgv.includes(flag)))
    throw new Error(`allocation is measured in a process with ${ALLOCATION_FLAGS.join(' ')}`);
  const cases: RawCase[] = [];
  const failures: Failure[] = [];
  for (const definition of group.kind === 'batch' ? group.cases : []) {
    if (!definition.allocation) continue;
    progress(`allocation of ${definition.name}`);
    const subject = new BatchSubject(definition, profile.quick);
    let series: Record<string, RawSeries> = {};
    let reason: string | null = null;
    try {
      reason = await subject.setup();
      if (reason === null) series = { [BYTES_PER_OP]: await bytesOf(subject, profile) };
    } catch (error) {
      failures.push(failureOf(error));
    }
    failures.push(...(await finish(subject, reason === null)));
    const { operations, operationsPerBatch } = subject;
    cases.push({ name: definition.name, operations, operationsPerBatch, series, unavailable: reason });
  }
  return { cases, failures, rounds: [], conclusive: true, clock: null };
}

async function bytesOf(subject: BatchSubject, profile: Profile): Promise<RawSeries> {
  const { name } = subject.definition;
  await subject.warmUp({ warmupMs: Math.max(profile.warmupMs, 200), batchMs: profile.batchMs });
  const batch = (operations: number): Promise<unknown> => subject.run(operations);
  const samples = await measureAllocation(name, subject.step, batch, profile.quick);
  return { unit: 'B', samples };
}
