// Interleaved rounds: every subject once, in an order drawn anew, until enough rounds ran on a quiet machine.
import { shuffle } from 'simple-statistics';
import type { Sample } from './batch-subject.ts';
import { type MachineLoad, dirtReason, observeLoad } from './machine-load.ts';
import { MAX_ATTEMPTS_PER_ROUND, MIN_ROUNDS, type Profile } from './profile.ts';

export interface Measurable {
  readonly name: string;
  measure(): Promise<Sample>;
}

export interface RoundLog {
  readonly order: readonly string[];
  /** Why the round was dropped, or null where it counts. */
  readonly dirty: string | null;
  readonly load: MachineLoad;
}

export interface Rounds {
  /** Rounds that count, as one sample per subject's name. */
  readonly samples: readonly ReadonlyMap<string, Sample>[];
  readonly log: readonly RoundLog[];
  /** False where fewer than MIN_ROUNDS were clean, for the machine stayed too busy: then `samples` holds the dirty rounds as well. */
  readonly conclusive: boolean;
}

export interface RoundOptions {
  readonly rounds: number;
  readonly random: () => number;
  /** Null: load is logged and not judged. */
  readonly maxForeignCpus: number | null;
  readonly onRound?: (clean: number, attempts: number) => void;
  /** For tests: what stands in for the machine. */
  readonly observe?: typeof observeLoad;
}

export async function runRounds(subjects: readonly Measurable[], options: RoundOptions): Promise<Rounds> {
  const { rounds, random, maxForeignCpus, onRound, observe = observeLoad } = options;
  const clean: Map<string, Sample>[] = [];
  const all: Map<string, Sample>[] = [];
  const log: RoundLog[] = [];
  while (clean.length < rounds && all.length < rounds * MAX_ATTEMPTS_PER_ROUND) {
    const order = shuffle([...subjects], random);
    const finish = observe();
    const samples = new Map<string, Sample>();
    for (const subject of order) samples.set(subject.name, await subject.measure());
    const load = finish();
    const dirty = maxForeignCpus === null ? null : dirtReason(load, maxForeignCpus);
    all.push(samples);
    if (dirty === null) clean.push(samples);
    log.push({ order: order.map((subject) => subject.name), dirty, load });
    onRound?.(clean.length, all.length);
  }
  const conclusive = clean.length >= Math.min(rounds, MIN_ROUNDS);
  return { samples: conclusive ? clean : all, log, conclusive };
}

/** What a profile asks of a group's rounds. Quick rounds are too short to judge the load in ticks of 10 ms. */
export function roundOptions(profile: Profile): Pick<RoundOptions, 'maxForeignCpus'> {
  return { maxForeignCpus: profile.quick ? null : profile.maxForeignCpus };
}
