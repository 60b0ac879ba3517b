// A thread that ends inside the twin's mutex, for real.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena, CoarseClock } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Recorded, StateMachine } from '../src/index.ts';
import type { DeathInput } from './death.worker.ts';

test('an endpoint whose mutex a dead thread had is given back by reclaim, with its permits', async () => {
  const arena = Arena.create({ bytes: 1 << 18 });
  const clock = CoarseClock.create(arena);
  const machine = StateMachine.create(arena, { endpoints: 2, clock, implementation: 'standard' });
  const held = machine.endpoint('held', { capacity: 1 });
  const workerData: DeathInput = { handle: machine.handle, endpoint: held };
  const worker = new Worker(new URL('./death.worker.ts', import.meta.url), {
    workerData,
    execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
  });
  const { threadId } = worker;
  const [admission] = (await once(worker, 'message')) as [number];
  expect(admission).toBeGreaterThan(0);
  await worker.terminate();
  expect(machine.reclaim(threadId)).toBe(1);
  // Without reclaim this would wait for ever.
  const mine = machine.tryAcquire(held);
  expect(mine).toBeGreaterThan(0);
  expect(machine.recordDelivery(held, true, mine)).toBe(Recorded.Counted);
  expect(machine.recordDelivery(held, true, admission)).toBe(Recorded.Stale);
  expect(machine.snapshot(held)).toMatchObject({ successes: 1, inFlight: 0 });
});
