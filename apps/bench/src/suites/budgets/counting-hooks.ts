// Hooks that count, as cheap as hooks can be.
import type { TaskHooks } from '@corelane/scheduler/budgets';

const seen = { before: 0, after: 0, yields: 0, completions: 0 };

export default {
  beforePoll: () => void seen.before++,
  afterPoll: () => void seen.after++,
  onYield: () => void seen.yields++,
  onCompletion: () => void seen.completions++,
} satisfies TaskHooks;
