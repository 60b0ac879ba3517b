// Tiers as transitions: polls in, a tier out. docs/budgets.md says exactly when; test/budgets/tier-reference.ts says it again in another style.
//
// A record is 15 numbers in a Float64Array, from index `at` on, so that it can lie in shared memory, and nothing is allocated. Tried: an object with fields. V8 keeps
// each float of an object in a box of its own, and the machine was no faster. Floats are passed to functions of their own by the record, too: as an argument
// of a call that is not compiled into its caller, each would be a new object, even where the call is rarely reached.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { tierLimits, tierRecord } from './layout.ts';
import { TIER_ISOLATE, TIER_MONITOR, type TierRules } from './tier-table.ts';

// What `observePoll` returns: the sum of what happened; 0: nothing.

/** It was a violation: the budget of the poll was spent. */
export const CAUSE_BUDGET = 1;
/** It was a violation: it used more CPU time than it may. */
export const CAUSE_CPU = 2;
/** It was a violation: it was slow. */
export const CAUSE_SLOW = 4;
/** Any of these: then it was a violation. */
export const CAUSES: number = CAUSE_BUDGET | CAUSE_CPU | CAUSE_SLOW;
/** The tier is the next one now. */
export const PROMOTED = 8;
/** The tier is the one before now. */
export const DEMOTED = 16;
/** A cool-down has begun, or goes on for longer. */
export const COOLING_DOWN = 32;

/** In place of the CPU time of a poll that nobody has measured. */
export const CPU_UNKNOWN = -1;

/** Numbers of a record. */
export const RECORD_NUMBERS: number = tierRecord.bytes >> 3;

const { offset } = tierRecord;
const TIER = offset.tier >> 3;
const UNTIL_CHECK = offset.untilCheck >> 3;
const VIOLATIONS = offset.violations >> 3;
const CPU_MS = offset.cpuMs >> 3;
const SLOW_POLLS = offset.slowPolls >> 3;
const GOOD_POLLS = offset.goodPolls >> 3;
const ENTERED_MS = offset.enteredMs >> 3;
const CHANGED_MS = offset.changedMs >> 3;
const VIOLATED_MS = offset.violatedMs >> 3;
const WINDOW_MS = offset.windowMs >> 3;
const WINDOW_VIOLATIONS = offset.windowViolations >> 3;
const COOL_UNTIL_MS = offset.coolUntilMs >> 3;
const PROMOTIONS = offset.promotions >> 3;
const DEMOTIONS = offset.demotions >> 3;
const NOW_MS = offset.nowMs >> 3;

const ROW = tierLimits.bytes >> 3;
const TO_PROMOTE_VIOLATIONS = tierLimits.offset.violations >> 3;
const TO_PROMOTE_CPU_MS = tierLimits.offset.cpuMs >> 3;
const TO_PROMOTE_SLOW_POLLS = tierLimits.offset.slowPolls >> 3;
const TO_DEMOTE_POLLS = tierLimits.offset.goodPolls >> 3;
const MIN_MS = tierLimits.offset.minMs >> 3;
const GOOD_MS = tierLimits.offset.goodMs >> 3;
const CHECK_EVERY = tierLimits.offset.checkEvery >> 3;

/** Violations are counted by the second. */
const WINDOW_LENGTH_MS = 1000;

/** A record of its own, of a task that begins at `tier`. */
export function newTierRecord(rules: TierRules, nowMs: number, tier: number = TIER_MONITOR): Float64Array {
  const record = new Float64Array(RECORD_NUMBERS);
  beginTierRecord(record, 0, rules, nowMs, tier);
  return record;
}

/** Makes a record of what is there: as if nothing had been observed yet. @throws ArgumentRangeError */
export function beginTierRecord(
  record: Float64Array,
  at: number,
  rules: TierRules,
  nowMs: number,
  tier: number,
): void {
  if (!Number.isInteger(tier) || tier < TIER_MONITOR || tier > TIER_ISOLATE)
    throw new ArgumentRangeError('tier', tier, `an integer from ${TIER_MONITOR} to ${TIER_ISOLATE}`);
  if (!Number.isInteger(at) || at < 0 || at + RECORD_NUMBERS > record.length)
    throw new ArgumentRangeError(
      'at',
      at,
      `an index with ${RECORD_NUMBERS} numbers of ${record.length} from there on`,
    );
  record.fill(0, at, at + RECORD_NUMBERS);
  record[at + VIOLATED_MS] = -Infinity;
  record[at + WINDOW_MS] = -Infinity;
  record[at + COOL_UNTIL_MS] = -Infinity;
  record[at + NOW_MS] = nowMs;
  enter(record, at, rules, tier);
  record[at + CHANGED_MS] = -Infinity;
}

/** TIER_ ... */
export function tierIn(record: Float64Array, at: number): number {
  return record[at + TIER] as number;
}

/** How often the tier has risen and fallen. */
export function changesIn(
  record: Float64Array,
  at: number,
): { readonly promotions: number; readonly demotions: number } {
  return { promotions: record[at + PROMOTIONS] as number, demotions: record[at + DEMOTIONS] as number };
}

/** Whether there is a record: memory that was never written holds none. */
export function isTierRecord(record: Float64Array, at: number): boolean {
  return record[at + UNTIL_CHECK] !== 0;
}

/** Whether the next poll is followed by a check: then its CPU time is worth knowing. */
export function isCheckNext(record: Float64Array, at: number): boolean {
  return (record[at + UNTIL_CHECK] as number) <= 1;
}

/**
 * Takes note of a poll. No allocation.
 * @param rules of the priority that the task has
 * @param wallMs how long it lasted
 * @param cpuMs CPU time that it used, as far as that is known: CPU_UNKNOWN, or any negative number, where it is not
 * @param isSpent whether its budget was
 * @param nowMs when it ended, by the clock of the record
 * @returns CAUSE_ ..., and PROMOTED or DEMOTED, and COOLING_DOWN
 */
export function observePoll(
  record: Float64Array,
  at: number,
  rules: TierRules,
  wallMs: number,
  cpuMs: number,
  isSpent: boolean,
  nowMs: number,
): number {
  const causes = causesOf(rules, wallMs, cpuMs, isSpent);
  const untilCheck = (record[at + UNTIL_CHECK] as number) - 1;
  record[at + UNTIL_CHECK] = untilCheck;
  record[at + NOW_MS] = nowMs;
  if (causes === 0) {
    const isGood = isGoodPoll(rules, record[at + TIER] as number, wallMs, cpuMs);
    if (isGood && nowMs >= (record[at + COOL_UNTIL_MS] as number))
      record[at + GOOD_POLLS] = (record[at + GOOD_POLLS] as number) + 1;
    return untilCheck > 0 ? 0 : settle(record, at, rules, 0, true);
  }
  if (cpuMs > 0) record[at + CPU_MS] = (record[at + CPU_MS] as number) + cpuMs;
  // One slow poll after another may be all that there is for long: each is looked at.
  return settle(record, at, rules, causes, untilCheck <= 0 || (causes & CAUSE_SLOW) !== 0);
}

/**
 * Takes note of polls none of which was a violation, as if all had ended now. No allocation. For whoever counts these by itself as long as no check is due.
 * @param polls a whole number
 * @param areGood whether all of them were good polls, or none
 * @returns PROMOTED and DEMOTED: more than one change where hysteresis and time at the tier allow it
 */
export function observePolls(
  record: Float64Array,
  at: number,
  rules: TierRules,
  polls: number,
  areGood: boolean,
  nowMs: number,
): number {
  let outcome = 0;
  record[at + NOW_MS] = nowMs;
  const counts = areGood && nowMs >= (record[at + COOL_UNTIL_MS] as number);
  for (let left = polls; left > 0;) {
    const untilCheck = Math.max(1, record[at + UNTIL_CHECK] as number);
    const some = Math.min(left, untilCheck);
    if (counts) record[at + GOOD_POLLS] = (record[at + GOOD_POLLS] as number) + some;
    record[at + UNTIL_CHECK] = untilCheck - some;
    left -= some;
    if (some === untilCheck) outcome |= settle(record, at, rules, 0, true);
  }
  return outcome;
}

/** Whether a poll that was no violation was good: no poll uses more CPU time than it lasts. @param cpuMs negative: not known */
export function isGoodPoll(rules: TierRules, tier: number, wallMs: number, cpuMs: number): boolean {
  const goodMs = rules.limits[tier * ROW + GOOD_MS] as number;
  // Not the smaller one compared: of a float and a whole number V8 would make an object.
  return cpuMs < 0 ? wallMs <= goodMs : cpuMs <= goodMs;
}

/** Why a poll is a violation: the sum of CAUSE_ ...; 0: it is none. @param cpuMs negative: not known */
export function causesOf(rules: TierRules, wallMs: number, cpuMs: number, isSpent: boolean): number {
  let causes = isSpent ? CAUSE_BUDGET : 0;
  if (cpuMs > rules.cpuBudgetMs) causes |= CAUSE_CPU;
  if (wallMs > rules.slowPollMs) causes |= CAUSE_SLOW;
  return causes;
}

/** Polls from one check to the next. */
export function checkEvery(rules: TierRules, tier: number): number {
  return rules.limits[tier * ROW + CHECK_EVERY] as number;
}

/**
 * What comes of a violation, and of a check. One function, so large that V8 does not compile it into `observePoll`, which is small enough for its callers then.
 * @param causes of the violation, 0: it was none
 * @returns these, and COOLING_DOWN, PROMOTED, DEMOTED
 */
function settle(
  record: Float64Array,
  at: number,
  rules: TierRules,
  causes: number,
  isChecked: boolean,
): number {
  const nowMs = record[at + NOW_MS] as number;
  let outcome = causes;
  if (causes !== 0) {
    record[at + VIOLATIONS] = (record[at + VIOLATIONS] as number) + 1;
    if ((causes & CAUSE_SLOW) !== 0) record[at + SLOW_POLLS] = (record[at + SLOW_POLLS] as number) + 1;
    record[at + GOOD_POLLS] = 0;
    record[at + VIOLATED_MS] = nowMs;
    if (nowMs - (record[at + WINDOW_MS] as number) >= WINDOW_LENGTH_MS) {
      record[at + WINDOW_MS] = nowMs;
      record[at + WINDOW_VIOLATIONS] = 1;
    } else record[at + WINDOW_VIOLATIONS] = (record[at + WINDOW_VIOLATIONS] as number) + 1;
    if ((record[at + WINDOW_VIOLATIONS] as number) > rules.coolDownRate) {
      record[at + COOL_UNTIL_MS] = nowMs + rules.coolDownMs;
      outcome |= COOLING_DOWN;
    }
  }
  if (!isChecked) return outcome;
  const { limits } = rules;
  const tier = record[at + TIER] as number;
  const row = tier * ROW;
  const sinceChangeMs = nowMs - (record[at + CHANGED_MS] as number);
  if (
    tier < TIER_ISOLATE &&
    sinceChangeMs >= rules.promotionHysteresisMs &&
    ((record[at + VIOLATIONS] as number) >= (limits[row + TO_PROMOTE_VIOLATIONS] as number) ||
      (record[at + CPU_MS] as number) >= (limits[row + TO_PROMOTE_CPU_MS] as number) ||
      (record[at + SLOW_POLLS] as number) >= (limits[row + TO_PROMOTE_SLOW_POLLS] as number))
  ) {
    enter(record, at, rules, tier + 1);
    record[at + PROMOTIONS] = (record[at + PROMOTIONS] as number) + 1;
    return outcome | PROMOTED;
  }
  record[at + UNTIL_CHECK] = limits[row + CHECK_EVERY] as number;
  if ((record[at + GOOD_POLLS] as number) < (limits[row + TO_DEMOTE_POLLS] as number)) return outcome;
  // Forgiven, but for slow polls: those count for as long as the tier is not left.
  record[at + VIOLATIONS] = 0;
  record[at + CPU_MS] = 0;
  if (
    nowMs - (record[at + ENTERED_MS] as number) < (limits[row + MIN_MS] as number) ||
    sinceChangeMs < rules.demotionHysteresisMs ||
    nowMs - (record[at + VIOLATED_MS] as number) < rules.demotionHysteresisMs
  )
    return outcome;
  if (tier === TIER_MONITOR) {
    record[at + SLOW_POLLS] = 0;
    record[at + GOOD_POLLS] = 0;
    record[at + ENTERED_MS] = nowMs;
    return outcome;
  }
  enter(record, at, rules, tier - 1);
  record[at + DEMOTIONS] = (record[at + DEMOTIONS] as number) + 1;
  return outcome | DEMOTED;
}

function enter(record: Float64Array, at: number, rules: TierRules, tier: number): void {
  const nowMs = record[at + NOW_MS] as number;
  record[at + TIER] = tier;
  record[at + UNTIL_CHECK] = rules.limits[tier * ROW + CHECK_EVERY] as number;
  record[at + VIOLATIONS] = 0;
  record[at + CPU_MS] = 0;
  record[at + SLOW_POLLS] = 0;
  record[at + GOOD_POLLS] = 0;
  record[at + ENTERED_MS] = nowMs;
  record[at + CHANGED_MS] = nowMs;
}
