// A hundred tasks that behave, each now and then, beside a hog or without one: how long each took from `run` to its result, and what became of the hog.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { tierChannel, type Tier, type TierEvent } from '../../src/budgets/index.ts';
import { Scheduler, type SchedulerOptions, type Task } from '../../src/index.ts';
import type { Draws } from '../injection/draws.ts';
import { behaved, BEHAVED, digestOf, hogs, nameOf, type Stay } from './tasks.ts';

/** Between two tasks of one name, on average. */
const EVERY_MS = 100;
/** More than a poll may take of the CPU by default. */
export const STEP_MS = 20;

export interface ExperimentOptions {
  readonly draws: Draws;
  readonly milliseconds: number;
  readonly hasHog: boolean;
  readonly scheduler: SchedulerOptions;
}

export interface Move {
  readonly task: string;
  readonly from: Tier;
  readonly to: Tier;
  /** Since the hog was submitted. */
  readonly afterMs: number;
}

export interface Experiment {
  /** Of tasks that behave. */
  readonly ns: RecordableHistogram;
  /** Of those that were submitted after the hog was isolated; none where it was not. */
  readonly isolatedNs: RecordableHistogram;
  readonly moves: readonly Move[];
  /** Where the hog was; none where there is none. */
  readonly stays: readonly Stay[];
  /** Results that were wrong. */
  readonly wrong: number;
}

export async function runExperiment(options: ExperimentOptions): Promise<Experiment> {
  const { draws, milliseconds, hasHog } = options;
  await using scheduler = Scheduler.create({ preload: [hogs.hog], ...options.scheduler });
  await scheduler.ready;
  const ns = createHistogram();
  const isolatedNs = createHistogram();
  const moves: Move[] = [];
  const startMs = performance.now();
  let isIsolated = false;
  const onTier = (event: unknown): void => {
    const { task, from, to } = event as TierEvent;
    moves.push({ task, from, to, afterMs: performance.now() - startMs });
    if (task === 'hog' && to === 'isolate') isIsolated = true;
  };
  subscribe(tierChannel.name, onTier);
  const hog = hasHog
    ? scheduler.run(hogs.hog, { stepMs: STEP_MS, until: Date.now() + milliseconds, stays: [] })
    : Promise.resolve([]);
  let wrong = 0;
  const runs: Promise<void>[] = [];
  const runOne = async (task: Task<number, string>, round: number): Promise<void> => {
    const isAfter = isIsolated;
    const before = performance.now();
    if ((await scheduler.run(task, round)) !== digestOf(round)) wrong++;
    const tookNs = Math.max(1, Math.round((performance.now() - before) * 1e6));
    ns.record(tookNs);
    if (isAfter) isolatedNs.record(tookNs);
  };
  // Whoever is late does not keep the next one from being submitted: as requests come, whatever became of those before.
  const lane = async (n: number): Promise<void> => {
    const task = behaved[nameOf(n)];
    if (task === undefined) throw new Error(`no task ${n}`);
    for (let round = 0; ; round++) {
      await delay(draws.below(2 * EVERY_MS));
      if (performance.now() - startMs > milliseconds) return;
      runs.push(runOne(task, round));
    }
  };
  await Promise.all(Array.from({ length: BEHAVED }, (_, n) => lane(n)));
  await Promise.all(runs);
  const stays = await hog;
  unsubscribe(tierChannel.name, onTier);
  return { ns, isolatedNs, moves, stays, wrong };
}

/** Tiers in the order in which a task was there. */
export function wayOf(moves: readonly Move[]): readonly Tier[] {
  const [first] = moves;
  return first === undefined ? [] : [first.from, ...moves.map(({ to }) => to)];
}
