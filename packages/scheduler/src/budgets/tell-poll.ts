// What a poll has led to, told by the channels of this thread.
import {
  slowPollChannel,
  tierChannel,
  violationChannel,
  type SlowPollEvent,
  type TierEvent,
  type ViolationCause,
  type ViolationEvent,
} from './channels.ts';
import { CAUSE_BUDGET, CAUSE_CPU, CAUSE_SLOW, CAUSES, DEMOTED, PROMOTED } from './tier-machine.ts';
import { TIERS, type Tier } from './tier-table.ts';

/** The kinds of a violation, of what `observePoll` returned. */
export function causesOf(outcome: number): ViolationCause[] {
  const causes: ViolationCause[] = [];
  if ((outcome & CAUSE_BUDGET) !== 0) causes.push('budget');
  if ((outcome & CAUSE_CPU) !== 0) causes.push('cpu');
  if ((outcome & CAUSE_SLOW) !== 0) causes.push('slow');
  return causes;
}

/** What is told of a violation where it is a slow poll. */
export function slowPollOf({ task, worker, durationMs, cpuMs, tier }: ViolationEvent): SlowPollEvent {
  return { task, worker, durationMs, cpuMs, tier };
}

export function publishTier(event: TierEvent): void {
  if (tierChannel.hasSubscribers) tierChannel.publish(event);
}

export function publishViolation(event: ViolationEvent): void {
  if (violationChannel.hasSubscribers) violationChannel.publish(event);
  if (slowPollChannel.hasSubscribers && event.causes.includes('slow'))
    slowPollChannel.publish(slowPollOf(event));
}

/**
 * @param outcome of `observePoll`; to be called where it is not 0
 * @param cpuMs negative: not known
 * @param tier before the poll, TIER_ ...
 */
export function tellPoll(
  outcome: number,
  task: string,
  worker: number,
  durationMs: number,
  cpuMs: number,
  tier: number,
): void {
  const from = TIERS[tier] as Tier;
  if ((outcome & CAUSES) !== 0 && (slowPollChannel.hasSubscribers || violationChannel.hasSubscribers)) {
    const causes = causesOf(outcome);
    const known = cpuMs < 0 ? undefined : cpuMs;
    publishViolation({ task, worker, durationMs, cpuMs: known, tier: from, causes });
  }
  if ((outcome & (PROMOTED | DEMOTED)) === 0 || !tierChannel.hasSubscribers) return;
  const to = TIERS[tier + ((outcome & PROMOTED) === 0 ? -1 : 1)] as Tier;
  publishTier({ task, worker, from, to });
}
