// What budgets cost, above an empty loop: `npm run budget-costs`. Interleaved, in another order each round; the median of rounds, and the fastest one.
import { Arena } from '@corelane/shared-memory';
import { cpuClock, HookSlot, LoopBudgets, TaskBudget, type PolledTask } from '../../src/budgets/index.ts';
import { NameObserver } from '../../src/budgets/name-observer.ts';
import { NameTiers } from '../../src/budgets/name-tiers.ts';
import { CPU_UNKNOWN, newTierRecord, observePoll, observePolls } from '../../src/budgets/tier-machine.ts';
import { tierPlan } from '../../src/budgets/tier-table.ts';
import { kernelBase64, type KernelExports } from '../../src/kernel.generated.ts';

const ROUNDS = 41;
const BATCH = 100_000;

const rules = tierPlan().rules.normal;
const record = newTierRecord(rules, 0);
const arena = Arena.create({ bytes: NameTiers.bytesFor(4) + 4096 });
const tiers = NameTiers.create(arena, 4, arena.kernel<KernelExports>({ base64: kernelBase64 }));
const observer = new NameObserver(tiers, 1);
const budget = TaskBudget.create({ pollBudget: 10_000 });
const none = new HookSlot();
const slot = new HookSlot();
const task: PolledTask = { name: 'a', worker: 0, tier: 0 };
let called = 0;
slot.set({
  beforePoll: () => void called++,
  afterPoll: () => void called++,
  onYield: () => void called++,
  onCompletion: () => void called++,
});
const clock = cpuClock();
const walls = Float64Array.from({ length: 8 }, (_, i) => i * 0.02);
const clockMs = new Float64Array(1);
const now = (): number => (clockMs[0] = (clockMs[0] as number) + 0.001);
let sink = 0;
const budgets = new LoopBudgets();
const never = { violations: Infinity, cpuMs: Infinity, slowPolls: Infinity };
/** What makes way as often as can be stays where it is. */
const patient = new LoopBudgets({ budgets: { tiers: { monitor: never } } });

/** Each with a loop of its own, as V8 would have it in a program. */
const loops: Readonly<Record<string, (budget: { readonly isSpent: boolean }) => void>> = {
  'empty loop': () => {
    for (let i = 0; i < BATCH; i++) sink += (walls[i & 7] as number) + now();
  },
  'TaskBudget.consume': () => {
    for (let i = 0; i < BATCH; i++) {
      sink += (walls[i & 7] as number) + now();
      if (!budget.consume()) budget.reset();
    }
  },
  'Budget.isSpent, of withBudget': (main) => {
    for (let i = 0; i < BATCH; i++) {
      sink += (walls[i & 7] as number) + now();
      if (main.isSpent) sink++;
    }
  },
  'observePoll (tier check)': () => {
    for (let i = 0; i < BATCH; i++)
      sink += observePoll(record, 0, rules, walls[i & 7] as number, CPU_UNKNOWN, false, now());
  },
  'observePolls, 20 at once': () => {
    for (let i = 0; i < BATCH; i++) sink += observePolls(record, 0, rules, 20, true, now());
  },
  'NameObserver.observe': () => {
    for (let i = 0; i < BATCH; i++)
      sink += observer.observe(0, rules, walls[i & 7] as number, CPU_UNKNOWN, false, now());
  },
  'NameTiers.tierOf': () => {
    for (let i = 0; i < BATCH; i++) sink += (walls[i & 7] as number) + now() + tiers.tierOf(1);
  },
  'hooks: none set': () => {
    for (let i = 0; i < BATCH; i++) {
      sink += (walls[i & 7] as number) + now();
      if (none.current !== undefined) none.current.beforePoll(task);
    }
  },
  'hooks: all four called': () => {
    for (let i = 0; i < BATCH; i++) {
      sink += (walls[i & 7] as number) + now();
      const hooks = slot.current;
      if (hooks === undefined) continue;
      hooks.beforePoll(task);
      hooks.afterPoll('done', 100, task);
      hooks.onYield(task);
      hooks.onCompletion('done', task);
    }
  },
  'CPU clock, a read in 100': () => {
    for (let i = 0; i < BATCH; i++) {
      sink += (walls[i & 7] as number) + now();
      if (i % 100 === 0) sink += clock.nowMs();
    }
  },
};

const median = (list: readonly number[]): number =>
  [...list].toSorted((a, b) => a - b)[list.length >> 1] as number;

await budgets.run(
  (main) => {
    const times = Object.fromEntries(Object.keys(loops).map((name) => [name, [] as number[]]));
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, loop] of Object.entries(loops).toSorted(() => Math.random() - 0.5)) {
        const startMs = performance.now();
        loop(main);
        times[name]?.push(((performance.now() - startMs) * 1e6) / BATCH);
      }
    const empty = times['empty loop'] ?? [];
    for (const [name, list] of Object.entries(times)) {
      const base = name === 'empty loop' ? 0 : 1;
      const own = median(list) - base * median(empty);
      const least = Math.min(...list) - base * Math.min(...empty);
      console.log(
        `${name.padEnd(32)} ${own.toFixed(1).padStart(8)} ns   fastest ${least.toFixed(1).padStart(8)} ns`,
      );
    }
  },
  { name: 'costs', sliceMs: Infinity },
);

const CALLS = 20_000;
/** Milliseconds since the start, of so many calls. */
async function timeCalls(name: string, run: () => Promise<unknown>, calls: number): Promise<void> {
  const rounds: number[] = [];
  for (let round = 0; round < 7; round++) {
    const startMs = performance.now();
    for (let i = 0; i < calls; i++) await run();
    rounds.push(((performance.now() - startMs) * 1e6) / calls);
  }
  console.log(
    `${name.padEnd(32)} ${median(rounds).toFixed(0).padStart(8)} ns   fastest ${Math.min(...rounds)
      .toFixed(0)
      .padStart(8)} ns`,
  );
}
await timeCalls('await of an async function', async () => undefined, CALLS);
await timeCalls(
  'await of one under withBudget',
  () => budgets.run(async () => undefined, { name: 'call' }),
  CALLS,
);
await budgets.run(
  async (main) => {
    await timeCalls('yieldIfSpent, units left', () => main.yieldIfSpent(), CALLS);
  },
  { name: 'waits', sliceMs: Infinity },
);
await timeCalls('setImmediate', () => new Promise((resolve) => setImmediate(resolve)), 2000);
await patient.run(
  async (main) => {
    await timeCalls('yieldIfSpent that makes way', () => (main.consume(10_000), main.yieldIfSpent()), 2000);
  },
  { name: 'yields', sliceMs: Infinity },
);
console.log(
  `CPU clock: ${clock.source}, ${clock.costNs.toFixed(0)} ns a read; ${called} calls of hooks; ${Number.isFinite(sink)}`,
);
