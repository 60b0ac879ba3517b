// Hooks that are exchanged while workers end.
import type { TaskHooks } from '../../src/budgets/index.ts';

let underWay = 0;

/** One that is told of a poll that has not ended, or was not begun, throws: that is counted, and complained of. */
export default {
  beforePoll(): void {
    if (++underWay !== 1) throw new Error(`${underWay} polls are under way, expected 1`);
  },
  afterPoll(): void {
    if (--underWay !== 0) throw new Error(`${underWay} polls are under way, expected 0`);
  },
} satisfies TaskHooks;
