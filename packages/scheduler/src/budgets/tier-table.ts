// The table of tiers: how much a task may do, and what makes it rise and fall. Options are checked once, here, and become plain data that travels to workers.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { PRIORITIES, priorityAt, type Priority } from '../priority.ts';
import { checkInteger, checkNames, checkNumber } from './known-options.ts';
import { tierLimits } from './layout.ts';
import {
  BALANCED,
  BALANCED_TABLE,
  PRIORITY_SCALES,
  PROFILE_SCALES,
  type Scalars,
  type Table,
} from './tier-defaults.ts';

/** In order: a task of one tier moves to the next or the one before. */
export const TIERS = ['monitor', 'warn', 'yield', 'isolate'] as const;

export type Tier = (typeof TIERS)[number];

/** It is watched. */
export const TIER_MONITOR = 0;
/** Diagnostics are told of it. */
export const TIER_WARN = 1;
/** It makes way after every poll. */
export const TIER_YIELD = 2;
/** It has a lane of its own, and makes way for all others. */
export const TIER_ISOLATE = 3;

/** What a tier asks. */
export interface TierRow {
  /** Violations that promote; Infinity: none do, as of `isolate`, which is the last. */
  readonly violations: number;
  /** CPU time of violations, in milliseconds, that promotes. */
  readonly cpuMs: number;
  /** Slow polls that promote. */
  readonly slowPolls: number;
  /** Good polls without a violation between them that demote. */
  readonly goodPolls: number;
  /** Least time at the tier before a demotion. */
  readonly minMs: number;
  /** CPU time of a good poll at most, in microseconds. */
  readonly goodCpuUs: number;
  /** Polls from one check to the next. */
  readonly checkEvery: number;
}

/** Factors of a priority. */
export interface PriorityScale {
  /** Of `violations`, `cpuMs` and `slowPolls`. Counts are rounded up, and are 1 at least. */
  readonly thresholds: number;
  /** Of `pollBudget`, `cpuBudgetMs` and `slowPollMs`. */
  readonly budgets: number;
}

/** `custom`: numbers of the options; those that are not given as of `balanced`. */
export type TierProfile = 'aggressive' | 'balanced' | 'permissive' | 'custom';
const PROFILES: readonly TierProfile[] = ['aggressive', 'balanced', 'permissive', 'custom'];

/** What is not given is of the profile. */
export interface TierOptions {
  /** `balanced` by default. */
  readonly profile?: TierProfile;
  /** Units that a task may consume in a poll, 100 to 10000; 2000 by default. */
  readonly pollBudget?: number;
  /** CPU time of a poll at most, in milliseconds; 10 by default. */
  readonly cpuBudgetMs?: number;
  /** Time of a poll at most, in milliseconds, whatever it did; more is a slow poll. 10 by default. */
  readonly slowPollMs?: number;
  /** Least time from a change of tier to a promotion; 100 by default. */
  readonly promotionHysteresisMs?: number;
  /** Least time from a change of tier, and from the last violation, to a demotion; 500 by default. */
  readonly demotionHysteresisMs?: number;
  /** How long nothing counts as good after more than `coolDownRate` violations in a second; 1000 by default. */
  readonly coolDownMs?: number;
  /** 10 by default. */
  readonly coolDownRate?: number;
  readonly tiers?: Readonly<Partial<Record<Tier, Readonly<Partial<TierRow>>>>>;
  readonly priorities?: Readonly<Partial<Record<Priority, Readonly<Partial<PriorityScale>>>>>;
}

/** What `tierPlan` takes: `true` stands for the profile `balanced`. */
export type TierChoice = true | TierProfile | TierOptions;

/** All that the tier machine asks, of tasks of one priority. Plain data. */
export interface TierRules {
  readonly pollBudget: number;
  readonly cpuBudgetMs: number;
  readonly slowPollMs: number;
  readonly promotionHysteresisMs: number;
  readonly demotionHysteresisMs: number;
  readonly coolDownMs: number;
  readonly coolDownRate: number;
  /** Rows of `tierLimits`, one for each tier. */
  readonly limits: Float64Array;
}

/** Options, checked, as plain data. */
export interface TierPlan {
  /** `custom` where options change what the profile says. */
  readonly profile: TierProfile;
  readonly rules: Readonly<Record<Priority, TierRules>>;
}

export const MIN_POLL_BUDGET = 100;
export const MAX_POLL_BUDGET = 10_000;
export const POLL_BUDGET: number = BALANCED.pollBudget;
/** A number of polls or milliseconds that nobody needs more of. */
const MOST: number = 2 ** 31 - 1;

const SCALARS = Object.keys(BALANCED) as readonly (keyof Scalars)[];
const COLUMNS = Object.keys(BALANCED_TABLE.monitor) as readonly (keyof TierRow)[];

/** @throws ArgumentRangeError */
export function tierPlan(choice: TierChoice = true): TierPlan {
  const options: TierOptions =
    choice === true ? {} : typeof choice === 'string' ? { profile: choice } : choice;
  checkNames('budgets', options, ['profile', ...SCALARS, 'tiers', 'priorities']);
  const { profile = 'balanced' } = options;
  if (typeof profile !== 'string' || !PROFILES.includes(profile))
    throw new ArgumentRangeError('budgets.profile', profile, `one of ${PROFILES.join(', ')}`);
  const scalars = checkScalars(options, profile);
  const table = checkTable(options.tiers, profile);
  const scales = checkScales(options.priorities);
  const isCustom = Object.entries(options).some(([name, value]) => name !== 'profile' && value !== undefined);
  if (profile === 'custom' && !isCustom)
    throw new ArgumentRangeError('budgets.profile', profile, 'numbers beside it: alone it says nothing');
  const rules = PRIORITIES.map((priority) => [priority, scaledRules(scalars, table, scales[priority])]);
  return { profile: isCustom ? 'custom' : profile, rules: Object.fromEntries(rules) as TierPlan['rules'] };
}

/** Rules of a level, 0 to 20. */
export function rulesAt(plan: TierPlan, level: number): TierRules {
  return plan.rules[priorityAt(level)];
}

/** The rows of a table, for people: thresholds of a priority. */
export function tierRow(rules: TierRules, tier: number): TierRow {
  const { limits } = rules;
  const at = (tier * tierLimits.bytes) >> 3;
  const field = (name: keyof typeof tierLimits.offset): number =>
    limits[at + (tierLimits.offset[name] >> 3)] as number;
  return {
    violations: field('violations'),
    cpuMs: field('cpuMs'),
    slowPolls: field('slowPolls'),
    goodPolls: field('goodPolls'),
    minMs: field('minMs'),
    goodCpuUs: field('goodMs') * 1e3,
    checkEvery: field('checkEvery'),
  };
}

function checkScalars(options: TierOptions, profile: TierProfile): Scalars {
  const { budgets } = PROFILE_SCALES[profile];
  const of = (name: keyof Scalars, least: number, scale = 1): number => {
    const value = options[name];
    return value === undefined ? BALANCED[name] * scale : checkNumber(`budgets.${name}`, value, least, MOST);
  };
  const { pollBudget } = options;
  return {
    pollBudget:
      pollBudget === undefined
        ? POLL_BUDGET * budgets
        : checkInteger('budgets.pollBudget', pollBudget, MIN_POLL_BUDGET, MAX_POLL_BUDGET),
    cpuBudgetMs: of('cpuBudgetMs', 0.001, budgets),
    slowPollMs: of('slowPollMs', 0.001, budgets),
    promotionHysteresisMs: of('promotionHysteresisMs', 0),
    demotionHysteresisMs: of('demotionHysteresisMs', 0),
    coolDownMs: of('coolDownMs', 0),
    coolDownRate: of('coolDownRate', 1),
  };
}

function checkTable(tiers: TierOptions['tiers'], profile: TierProfile): Table {
  if (tiers !== undefined) checkNames('budgets.tiers', tiers, TIERS);
  const { thresholds, demotion } = PROFILE_SCALES[profile];
  const rows = TIERS.map((tier) => {
    const usual = BALANCED_TABLE[tier];
    const given = tiers?.[tier];
    if (given !== undefined) checkNames(`budgets.tiers.${tier}`, given, COLUMNS);
    const of = (column: keyof TierRow, check: typeof checkNumber, least: number, scale: number): number => {
      const value = given?.[column];
      const scaled = usual[column] * scale;
      if (value === undefined) return check === checkInteger ? Math.ceil(scaled) : scaled;
      // Nothing promotes from the last tier; elsewhere Infinity says that this does not.
      if (column in PROMOTING && value === Infinity) return value;
      if (column in PROMOTING && tier === 'isolate')
        throw new ArgumentRangeError(
          `budgets.tiers.${tier}.${column}`,
          value,
          'none: there is no tier after it',
        );
      return check(`budgets.tiers.${tier}.${column}`, value, least, MOST);
    };
    const row: TierRow = {
      violations: of('violations', checkInteger, 1, thresholds),
      cpuMs: of('cpuMs', checkNumber, 0.001, thresholds),
      slowPolls: of('slowPolls', checkInteger, 1, thresholds),
      goodPolls: of('goodPolls', checkInteger, 1, demotion),
      minMs: of('minMs', checkNumber, 0, demotion),
      goodCpuUs: of('goodCpuUs', checkNumber, 0, 1),
      checkEvery: of('checkEvery', checkInteger, 1, 1),
    };
    return [tier, row];
  });
  return Object.fromEntries(rows) as Table;
}

const PROMOTING = { violations: true, cpuMs: true, slowPolls: true };

function checkScales(given: TierOptions['priorities']): Readonly<Record<Priority, PriorityScale>> {
  if (given === undefined) return PRIORITY_SCALES;
  checkNames('budgets.priorities', given, PRIORITIES);
  const scales = PRIORITIES.map((priority) => {
    const name = `budgets.priorities.${priority}`;
    const scale = given[priority];
    if (scale !== undefined) checkNames(name, scale, ['thresholds', 'budgets']);
    const { thresholds, budgets } = { ...PRIORITY_SCALES[priority], ...scale };
    return [
      priority,
      {
        thresholds: checkNumber(`${name}.thresholds`, thresholds, 0.01, 100),
        budgets: checkNumber(`${name}.budgets`, budgets, 0.01, 100),
      },
    ];
  });
  return Object.fromEntries(scales) as Record<Priority, PriorityScale>;
}

function scaledRules(scalars: Scalars, table: Table, scale: PriorityScale): TierRules {
  const { thresholds, budgets } = scale;
  const limits = new Float64Array((TIERS.length * tierLimits.bytes) >> 3);
  TIERS.forEach((tier, index) => {
    const row = table[tier];
    const set = (name: keyof typeof tierLimits.offset, value: number): void => {
      limits[(index * tierLimits.bytes + tierLimits.offset[name]) >> 3] = value;
    };
    set('violations', Math.ceil(row.violations * thresholds));
    set('cpuMs', row.cpuMs * thresholds);
    set('slowPolls', Math.ceil(row.slowPolls * thresholds));
    set('goodPolls', row.goodPolls);
    set('minMs', row.minMs);
    set('goodMs', row.goodCpuUs / 1e3);
    set('checkEvery', row.checkEvery);
  });
  return {
    ...scalars,
    pollBudget: Math.min(
      MAX_POLL_BUDGET,
      Math.max(MIN_POLL_BUDGET, Math.round(scalars.pollBudget * budgets)),
    ),
    cpuBudgetMs: scalars.cpuBudgetMs * budgets,
    slowPollMs: scalars.slowPollMs * budgets,
    limits,
  };
}
