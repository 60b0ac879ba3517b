// The only place with offsets of budgets and tiers.
import { ownerOnly, struct } from '@corelane/shared-memory';

/** 16 bytes. What a task may still do in this poll. */
export const taskBudget = struct('scheduler/task-budget', 1, {
  deadline: ownerOnly('i32', {
    doc: 'milliseconds by the clock of its writer, modulo 2^32; 0: none',
    writer: 'the thread that runs the task',
    reader: 'any thread',
  }),
  remaining: ownerOnly('i32', { doc: 'units left, never below 0', writer: 'the same', reader: 'any thread' }),
  tier: ownerOnly('i32', { doc: 'TIER_ ... of the task', writer: 'the same', reader: 'any thread' }),
  generation: ownerOnly('i32', {
    doc: 'grows with each reset; wraps',
    writer: 'the same',
    reader: 'any thread',
  }),
});

/**
 * 120 bytes. What the tier machine knows of a task, or of all tasks of one name. Times are of one clock, in milliseconds. Where it lies in shared memory, whoever
 * observes polls with it has it for itself meanwhile; others may read `tier`, `promotions` and `demotions`.
 */
export const tierRecord = struct('scheduler/tier-record', 1, {
  tier: ownerOnly('f64', { doc: 'TIER_ ...' }),
  untilCheck: ownerOnly('f64', { doc: 'polls until the next check, from 1 on' }),
  violations: ownerOnly('f64', {
    doc: 'polls that were violations, since the tier was entered or all were forgiven',
  }),
  cpuMs: ownerOnly('f64', { doc: 'CPU time of these, as far as it is known' }),
  slowPolls: ownerOnly('f64', { doc: 'slow polls since the tier was entered' }),
  goodPolls: ownerOnly('f64', { doc: 'good polls since the tier was entered, or the last violation' }),
  enteredMs: ownerOnly('f64', { doc: 'when the tier was entered, or, at the first one, all was forgiven' }),
  changedMs: ownerOnly('f64', { doc: 'when the tier changed last; -Infinity: never' }),
  violatedMs: ownerOnly('f64', { doc: 'when the last violation was; -Infinity: there was none' }),
  windowMs: ownerOnly('f64', {
    doc: 'first violation of the second in which violations are counted; -Infinity: none',
  }),
  windowViolations: ownerOnly('f64', { doc: 'violations of that second' }),
  coolUntilMs: ownerOnly('f64', { doc: 'end of the cool-down; -Infinity: there was none' }),
  promotions: ownerOnly('f64', { doc: 'how often the tier has risen' }),
  demotions: ownerOnly('f64', { doc: 'how often the tier has fallen' }),
  nowMs: ownerOnly('f64', { doc: 'when the poll ended that was last looked at' }),
});

/** A row of the tier table, as the machine reads it: for each tier one, in `TierRules.limits`. */
export const tierLimits = struct('scheduler/tier-limits', 1, {
  violations: ownerOnly('f64', { doc: 'violations that promote; Infinity: none do' }),
  cpuMs: ownerOnly('f64', { doc: 'CPU time of violations that promotes; Infinity: none does' }),
  slowPolls: ownerOnly('f64', { doc: 'slow polls that promote; Infinity: none do' }),
  goodPolls: ownerOnly('f64', { doc: 'good polls that demote' }),
  minMs: ownerOnly('f64', { doc: 'least time at the tier before a demotion' }),
  goodMs: ownerOnly('f64', { doc: 'CPU time of a good poll at most' }),
  checkEvery: ownerOnly('f64', { doc: 'polls from one check to the next' }),
});
