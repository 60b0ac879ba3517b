// Episodes and states, for those who watch all monitors of a process: channels of `node:diagnostics_channel`.
import { channel } from 'node:diagnostics_channel';
import type { HealthEpisode, HealthTransition } from './report.ts';

const WARNING = channel('corelane:perf-counters:health-warning');
const RECOVERY = channel('corelane:perf-counters:health-recovery');
const STATE = channel('corelane:perf-counters:health-state');

export function publishWarning(message: HealthEpisode): void {
  if (WARNING.hasSubscribers) WARNING.publish(message);
}

export function publishRecovery(message: HealthEpisode): void {
  if (RECOVERY.hasSubscribers) RECOVERY.publish(message);
}

export function publishState(message: HealthTransition): void {
  if (STATE.hasSubscribers) STATE.publish(message);
}
