// Priorities: levels 0 to 20, the last the most urgent, of which four have names. What slots, lanes and kernels hold is the level.
import { LEVELS } from './layout.ts';

/** The most urgent first. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;

export type Priority = (typeof PRIORITIES)[number];

const DEFAULT_PRIORITY: Priority = 'normal';

const NAMED: Readonly<Record<Priority, number>> = { critical: 20, high: 15, normal: 10, low: 5 };

export const DEFAULT_LEVEL: number = NAMED[DEFAULT_PRIORITY];

/** The level of a priority, or -1 where it is none. */
export function levelOf(priority: Priority | number): number {
  if (typeof priority === 'number')
    return Number.isInteger(priority) && priority >= 0 && priority < LEVELS ? priority : -1;
  return typeof priority === 'string' && Object.hasOwn(NAMED, priority) ? NAMED[priority] : -1;
}

/** The name that covers a level: of the named ones the next at or below it. */
export function priorityAt(level: number): Priority {
  for (const name of PRIORITIES) if (level >= NAMED[name]) return name;
  return 'low';
}
