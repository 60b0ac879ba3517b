// Bands of priority, the most urgent first. A band is a queue of its own; its index is what slots and kernels hold.

export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;

export type Priority = (typeof PRIORITIES)[number];

export const DEFAULT_PRIORITY: Priority = 'normal';

/** Index of a band, or -1. */
export function bandOf(priority: Priority): number {
  switch (priority) {
    case 'critical':
      return 0;
    case 'high':
      return 1;
    case 'normal':
      return 2;
    case 'low':
      return 3;
    default:
      return -1;
  }
}
