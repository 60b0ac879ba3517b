// The numbers of the tiers, where options do not say others.
import type { Priority } from '../priority.ts';
import type { PriorityScale, Tier, TierOptions, TierProfile, TierRow } from './tier-table.ts';

export type Table = Readonly<Record<Tier, TierRow>>;
export type Scalars = Required<Omit<TierOptions, 'profile' | 'tiers' | 'priorities'>>;

/** As of the reference. */
export const BALANCED_TABLE: Table = {
  monitor: {
    violations: 5,
    cpuMs: 50,
    slowPolls: 10,
    goodPolls: 100,
    minMs: 5000,
    goodCpuUs: 100,
    checkEvery: 20,
  },
  warn: {
    violations: 3,
    cpuMs: 25,
    slowPolls: 5,
    goodPolls: 75,
    minMs: 3000,
    goodCpuUs: 200,
    checkEvery: 15,
  },
  yield: {
    violations: 2,
    cpuMs: 15,
    slowPolls: 3,
    goodPolls: 50,
    minMs: 2000,
    goodCpuUs: 500,
    checkEvery: 10,
  },
  isolate: {
    violations: Infinity,
    cpuMs: Infinity,
    slowPolls: Infinity,
    goodPolls: 25,
    minMs: 10_000,
    goodCpuUs: 1000,
    checkEvery: 5,
  },
};

export const BALANCED: Scalars = {
  pollBudget: 2000,
  cpuBudgetMs: 10,
  // A poll that uses its CPU budget up lasts as long at least: no CPU violation goes by between two samples of the CPU clock.
  slowPollMs: 10,
  promotionHysteresisMs: 100,
  demotionHysteresisMs: 500,
  coolDownMs: 1000,
  coolDownRate: 10,
};

/** As of the reference. */
export const PRIORITY_SCALES: Readonly<Record<Priority, PriorityScale>> = {
  critical: { thresholds: 0.25, budgets: 4 },
  high: { thresholds: 0.5, budgets: 2 },
  normal: { thresholds: 1, budgets: 1 },
  low: { thresholds: 2, budgets: 0.5 },
};

/** Of what promotes, of what a poll may take, and of what demotes. Guessed. */
export const PROFILE_SCALES: Readonly<Record<TierProfile, PriorityScale & { readonly demotion: number }>> = {
  aggressive: { thresholds: 0.5, budgets: 0.5, demotion: 2 },
  balanced: { thresholds: 1, budgets: 1, demotion: 1 },
  permissive: { thresholds: 2, budgets: 2, demotion: 0.5 },
  custom: { thresholds: 1, budgets: 1, demotion: 1 },
};
