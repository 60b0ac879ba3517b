// Real workers that tell of the same names, some of which end in the middle of it.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { tierRecord } from '../../src/budgets/layout.ts';
import { NameObserver } from '../../src/budgets/name-observer.ts';
import { NameTiers } from '../../src/budgets/name-tiers.ts';
import { PROMOTED } from '../../src/budgets/tier-machine.ts';
import { tierPlan, type TierOptions } from '../../src/budgets/tier-table.ts';
import { kernelBase64, type KernelExports } from '../../src/kernel.generated.ts';
import type { Telling } from './telling-worker.ts';

const NAMES = 2;
const POLLS = 60_000;
const never = { violations: Infinity, cpuMs: Infinity, slowPolls: Infinity, goodPolls: 1e9 };
/** Nothing is ever forgiven, and nothing moves: what was told can be counted. */
const counting: TierOptions = { tiers: { monitor: never } };

function setUp(options: TierOptions, polls: number, threads: number) {
  const { rules } = tierPlan(options);
  const arena = Arena.create({ bytes: NameTiers.bytesFor(NAMES) + 4096 });
  const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
  const tiers = NameTiers.create(arena, NAMES, kernel);
  const workers = Array.from({ length: threads }, (_, index) => {
    const workerData: Telling = {
      arena: arena.handle,
      at: tiers.at,
      party: index + 1,
      rules: rules.normal,
      polls,
    };
    return new Worker(new URL('./telling-worker.ts', import.meta.url), {
      workerData,
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
  });
  const violationsOf = (name: number): number =>
    tiers.f64[tiers.recordAt(name) + (tierRecord.offset.violations >> 3)] as number;
  return { tiers, rules: rules.normal, workers, violationsOf };
}

async function start(workers: readonly Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  for (const worker of workers) worker.postMessage('go');
}

test('of what several workers tell nothing is lost, and nothing counts twice', async () => {
  const { workers, violationsOf } = setUp(counting, POLLS, 3);
  await start(workers);
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const told = (3 * POLLS) / 3;
  expect([violationsOf(0), violationsOf(1)]).toEqual([told, told]);
  await Promise.all(workers.map((worker) => worker.terminate()));
});

test(
  'workers that are terminated at any time keep nobody from telling, once their records are mended',
  { timeout: 60_000 },
  async () => {
    let mended = 0;
    for (let round = 0; round < 12; round++) {
      const { tiers, rules, workers, violationsOf } = setUp(counting, 1e9, 2);
      await start(workers);
      await expect.poll(() => violationsOf(0)).toBeGreaterThan(100 * round);
      await Promise.all(workers.map((worker) => worker.terminate()));
      for (const party of [1, 2]) mended += tiers.mend(party, rules, 0);
      const before = [violationsOf(0), violationsOf(1)];
      const observer = new NameObserver(tiers, 1);
      for (let name = 0; name < NAMES; name++) {
        observer.observe(name, rules, 100, -1, false, 0);
        expect(observer.hasUntold(name)).toBe(false);
        expect(violationsOf(name)).toBe((before[name] as number) + 1);
        expect(tiers.tierOf(name)).toBe(0);
      }
    }
    if (process.env['STATES']) console.log('records mended:', mended);
  },
);

test('a tier that workers move together rises as often as there are tiers above it', async () => {
  const { tiers, rules, workers } = setUp({ promotionHysteresisMs: 0 }, 2000, 3);
  const seen: number[] = [0, 0];
  await start(workers);
  let done = 0;
  for (const worker of workers) worker.once('message', () => void done++);
  const steps: number[] = [];
  // Together with this thread, which looks after each poll of its own.
  const observer = new NameObserver(tiers, 4);
  while (done < workers.length) {
    for (let name = 0; name < NAMES; name++) {
      const before = tiers.tierOf(name);
      const outcome = observer.observe(name, rules, 100, -1, false, 0);
      const after = tiers.tierOf(name);
      if ((outcome & PROMOTED) !== 0) expect(after).toBeGreaterThan(before);
      steps.push(after - (seen[name] as number));
      seen[name] = after;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(seen).toEqual([3, 3]);
  expect(Math.min(...steps)).toBe(0); // all of them only rise here
  expect([tiers.changesOf(0), tiers.changesOf(1)]).toEqual(
    [0, 0].map(() => ({ promotions: 3, demotions: 0 })),
  );
  await Promise.all(workers.map((worker) => worker.terminate()));
});
