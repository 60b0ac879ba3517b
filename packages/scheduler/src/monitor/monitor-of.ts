// What watches the polls of a worker, where somebody asked for that.
import { cpuClock } from '../budgets/cpu-clock.ts';
import type { TierPlan } from '../budgets/tier-table.ts';
import type { SchedulerTable } from '../table.ts';
import type { TurnClock } from '../turn-clock.ts';
import type { WatchMessage } from './event-post.ts';
import { Monitor } from './monitor.ts';

/** @returns undefined where nobody watches polls */
export function monitorOf(
  table: SchedulerTable,
  worker: number,
  plan: TierPlan | undefined,
  clock: TurnClock,
  send: (message: WatchMessage) => void,
): Monitor | undefined {
  const { watch, tiers } = table;
  if (plan === undefined || watch === undefined || tiers === undefined) return undefined;
  const nameOf = (id: number): string => table.taskName(id);
  return new Monitor({
    watch,
    tiers,
    worker,
    plan,
    clock,
    cpuClock: cpuClock(),
    nameOf,
    send,
  });
}
