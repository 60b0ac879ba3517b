// What a poll has led to, told by the channels.
import { slowPollChannel, tierChannel, violationChannel, type ViolationCause } from './channels.ts';
import { CAUSE_BUDGET, CAUSE_CPU, CAUSE_SLOW, CAUSES, DEMOTED, PROMOTED } from './tier-machine.ts';
import { TIERS, type Tier } from './tier-table.ts';

const NAMES: readonly (readonly [number, ViolationCause])[] = [
  [CAUSE_BUDGET, 'budget'],
  [CAUSE_CPU, 'cpu'],
  [CAUSE_SLOW, 'slow'],
];

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
  const name = TIERS[tier] as Tier;
  if ((outcome & CAUSES) !== 0 && (slowPollChannel.hasSubscribers || violationChannel.hasSubscribers)) {
    const event = { task, worker, durationMs, cpuMs: cpuMs < 0 ? undefined : cpuMs, tier: name };
    if ((outcome & CAUSE_SLOW) !== 0) slowPollChannel.publish(event);
    const causes = NAMES.filter(([bit]) => (outcome & bit) !== 0).map(([, cause]) => cause);
    violationChannel.publish({ ...event, causes });
  }
  if ((outcome & (PROMOTED | DEMOTED)) === 0 || !tierChannel.hasSubscribers) return;
  const to = TIERS[tier + ((outcome & PROMOTED) === 0 ? -1 : 1)] as Tier;
  tierChannel.publish({ task, worker, from: name, to });
}
