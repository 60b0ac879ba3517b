// What the hot paths of budgets allocate, as plain Node compiles them: vitest's imports are calls of getters, into which nothing is inlined, and a float that is passed to a function becomes an object.
import { measureAllocation } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { HookSlot, type PolledTask } from '../../src/budgets/index.ts';
import { LoopBudgets } from '../../src/budgets/loop-budgets.ts';
import { NameObserver } from '../../src/budgets/name-observer.ts';
import { NameTiers } from '../../src/budgets/name-tiers.ts';
import { TaskBudget } from '../../src/budgets/task-budget.ts';
import { CPU_UNKNOWN, newTierRecord, observePoll, observePolls } from '../../src/budgets/tier-machine.ts';
import { tierPlan } from '../../src/budgets/tier-table.ts';
import { kernelBase64, type KernelExports } from '../../src/kernel.generated.ts';

const rules = tierPlan().rules.normal;
const bytes: Record<string, number> = {};
let changes = 0;

const pause = new Int32Array(new SharedArrayBuffer(4));

/** The least of some rounds: on a busy machine V8 compiles late, and what it has not compiled allocates. */
function measure(name: string, operation: (i: number) => void): void {
  let least = Infinity;
  for (let round = 0; round < 8 && least > 0.1; round++) {
    least = Math.min(least, measureAllocation(operation, { warmup: 100_000 }).bytesPerOperation);
    if (least > 0.1) Atomics.wait(pause, 0, 0, 2 ** round);
  }
  bytes[name] = least;
}

/** Slow for a while, then good for a while: up and down all the time. */
const wallMs = (poll: number): number => (poll % 40_000 < 200 ? 15 : 0.01);

/** A float in a variable that closures share is a new object each time. */
const clock = new Float64Array(1);

{
  const record = newTierRecord(rules, 0);
  measure('observePoll', (i) => {
    const nowMs = (clock[0] = (clock[0] as number) + 1.5);
    if (observePoll(record, 0, rules, wallMs(i), CPU_UNKNOWN, false, nowMs) > 7) changes++;
  });
  measure('observePolls', (i) => {
    const nowMs = (clock[0] = (clock[0] as number) + 1.5);
    if (observePolls(record, 0, rules, i & 15, true, nowMs) > 7) changes++;
  });
}
{
  const arena = Arena.create({ bytes: NameTiers.bytesFor(4) + 4096 });
  const tiers = NameTiers.create(arena, 4, arena.kernel<KernelExports>({ base64: kernelBase64 }));
  const observer = new NameObserver(tiers, 1);
  let polls = 0;
  measure('NameObserver.observe', () => {
    polls++;
    const nowMs = (clock[0] = (clock[0] as number) + 1.5);
    if (observer.observe(polls & 1, rules, wallMs(polls), CPU_UNKNOWN, false, nowMs) > 7) changes++;
  });
}
{
  const budget = TaskBudget.create();
  measure('consume', () => {
    if (!budget.consume(3)) budget.reset();
  });
}
{
  const slot = new HookSlot();
  const task: PolledTask = { name: 'a', worker: 0, tier: 0 };
  let called = 0;
  const poll = (i: number): void => {
    const hooks = slot.current;
    if (hooks !== undefined) hooks.beforePoll(task);
    if (hooks !== undefined) hooks.afterPoll('done', i, task);
  };
  measure('no hooks', poll);
  slot.set({
    beforePoll: () => void called++,
    afterPoll: (_, durationNs) => void (called += durationNs & 1),
  });
  measure('hooks', poll);
  changes += called > 0 ? 1 : 0;
}
await new LoopBudgets().run((budget) => {
  measure('Budget', () => {
    if (budget.isSpent) changes++;
    budget.consume();
  });
});
console.log(JSON.stringify({ changes, bytes }));
