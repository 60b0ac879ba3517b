// Which runs count, and which numbers of workers. Pure.
import { LEAST_MS, type ProcessorUse } from './processor-use.ts';
import type { CapacitySample } from './samples.ts';

export type RunVerdict =
  | 'counts'
  /** Of the round before the first. */
  | 'warm-up'
  /** Other processes took more of the processors than `mostForeign`; it was repeated. */
  | 'disturbed';

/** A run, with how the processors were used meanwhile: parts of them, from 0 to 1. */
export interface MeasuredRun extends CapacitySample, ProcessorUse {
  /** From 0; -1 warms up. */
  readonly round: number;
  readonly verdict: RunVerdict;
}

/** Of the processors that this process may use: with as much in its use they are what workers wait for. Guessed: who hands out work waits now and then. */
const FULL = 0.9;

export function verdictOf(round: number, { foreign }: ProcessorUse, mostForeign: number): RunVerdict {
  if (round < 0) return 'warm-up';
  return foreign !== null && foreign > mostForeign ? 'disturbed' : 'counts';
}

/** Whether the processors were all in use, with more workers than there are: what these runs give is the processors', whatever the workers share. */
export function isOversubscribed(runsOfANumber: readonly MeasuredRun[], processors: number): boolean {
  const own = median(runsOfANumber.map((run) => (run.durationMs < LEAST_MS ? 0 : run.own)));
  return (runsOfANumber[0]?.workers ?? 0) > processors && own >= FULL;
}

/** Of nothing: 0. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1] ?? 0, sorted[sorted.length >> 1] ?? 0];
  return (low + high) / 2;
}
