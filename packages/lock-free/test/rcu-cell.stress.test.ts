import { Arena } from '@corelane/shared-memory';
import { expect, test, vi } from 'vitest';
import { RcuCell } from '../src/index.ts';
import { Crew } from '../../../tools/testing/crew.ts';
import type { RcuReport, RcuStation } from './worker/rcu-worker.ts';

vi.setConfig({ testTimeout: 60_000 });

const WORKER = new URL('./worker/rcu-worker.ts', import.meta.url);

interface Scene {
  readonly cell: RcuCell;
  readonly station: (kind: RcuStation['kind'], times?: number) => RcuStation;
}

function scene(versions = 3): Scene {
  const cell = RcuCell.create(Arena.create({ bytes: 1 << 16 }), {
    payloadBytes: 256,
    versions,
    maxReaders: 8,
  });
  return { cell, station: (kind, times = 0) => ({ handle: cell.handle, kind, times }) };
}

test.each([2, 3, 8])(
  'with %i versions readers get whole payloads that never go back, and no update is lost',
  async (versions) => {
    const { cell, station } = scene(versions);
    await using crew = new Crew(WORKER, [
      station('read', 60_000),
      station('read', 60_000),
      station('update', 8_000),
      station('update', 8_000),
    ]);
    await crew.go();
    const reports = await crew.reports<RcuReport>();
    for (const { torn, changed, back } of reports) expect([torn, changed, back]).toEqual([0, 0, 0]);
    expect(new Set(cell.enter().i32)).toEqual(new Set([16_000]));
    cell.exit();
  },
);

test('a reader that is terminated is waited for until it is recovered', async () => {
  const { cell, station } = scene(2);
  await using crew = new Crew(WORKER, [station('hold')]);
  await crew.go();
  const dead = crew.workers[0]!.threadId;
  expect(cell.update(() => {})).toBe('done'); // the other version is free
  expect(cell.update(() => {}, { timeoutMs: 2 })).toBe('timedOut');
  expect(cell.synchronize({ timeoutMs: 2 })).toBe('timedOut');
  const waiting = cell.synchronizeAsync();
  await crew.workers[0]!.terminate();
  expect(cell.recover(dead)).toBe(true);
  expect(cell.recover(dead)).toBe(false);
  expect(await waiting).toBe('done');
  expect(cell.update(() => {})).toBe('done');
  expect(cell.synchronize()).toBe('done');
});

test('an updater that is terminated has changed nothing', async () => {
  const { cell, station } = scene();
  await using crew = new Crew(WORKER, [station('hold-update')]);
  await crew.go();
  const dead = crew.workers[0]!.threadId;
  expect(cell.update(() => {}, { timeoutMs: 2 })).toBe('timedOut');
  await crew.workers[0]!.terminate();
  expect(cell.recover(dead)).toBe(true);
  expect(cell.update(({ i32 }) => void (i32[1] = 5))).toBe('done');
  using guard = cell.read();
  expect([...guard.view.i32.subarray(0, 3)]).toEqual([0, 5, 0]);
});
