import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { takePlace } from '../src/client-places.ts';
import { CLIENT_GONE, DELIVERED, ENTERED, RELEASED } from '../src/layout.ts';
import { tableOptions } from '../src/options.ts';
import { slowNowMs } from '../src/slow-lane/slow-lane.ts';
import { bytesFor, SchedulerTable } from '../src/table.ts';
import { PollSampler } from '../src/watchdog/poll-sampler.ts';
import { PollWord } from '../src/watchdog/poll-word.ts';

test('a slot goes from its client to a worker and back without an allocation', () => {
  const options = tableOptions({ threads: 1, slots: 8, payloadBytes: 256 });
  const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(options) }), options);
  const client = takePlace(table);
  const { kernel, at } = table;
  const expected = ENTERED | (DELIVERED << 4) | (RELEASED << 8);
  let wrong = 0;
  const roundTrip = (): void => {
    const slot = kernel.acquireSlot(at, client);
    let outcomes = kernel.submitSlot(at, slot, client, 10);
    kernel.parkWorker(at, 1, 0); // finds work
    outcomes |= kernel.finishSlot(at, kernel.claimTask(at, 1, 0), 1, 0) << 4;
    outcomes |= kernel.releaseSlot(at, kernel.takeFinished(at, client) - 1, client) << 8;
    if (outcomes !== expected) wrong++;
  };
  expect(expectZeroAllocation(roundTrip)).toBeLessThan(0.1);
  expect(wrong).toBe(0);
  expect(kernel.acquireSlot(at, client)).not.toBe(CLIENT_GONE);
});

test('so does one of the slow lane', () => {
  const options = tableOptions({ threads: 1, slots: 8, payloadBytes: 256, slowLane: { boostMs: 0 } });
  const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(options) }), options);
  const client = takePlace(table);
  const { kernel, at } = table;
  const [slow, lane] = [2, 1];
  const expected = ENTERED | (DELIVERED << 4) | (RELEASED << 8);
  let wrong = 0;
  const roundTrip = (): void => {
    const slot = kernel.acquireSlot(at, client);
    let outcomes = kernel.submitSlow(at, slot, client, lane, slowNowMs(), 0);
    kernel.parkWorker(at, slow, 0); // finds work
    outcomes |= kernel.finishSlot(at, kernel.claimSlow(at, slow, 0, slowNowMs()), slow, 0) << 4;
    outcomes |= kernel.releaseSlot(at, kernel.takeFinished(at, client) - 1, client) << 8;
    if (outcomes !== expected) wrong++;
  };
  expect(expectZeroAllocation(roundTrip)).toBeLessThan(0.1);
  expect(wrong).toBe(0);
});

test('a poll, and a look of the watchdog at it, allocate nothing', () => {
  const options = tableOptions({ threads: 2, slots: 8, payloadBytes: 256 });
  const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(options) }), options);
  const sampler = new PollSampler(table, { slowMs: 1e9, killMs: Infinity });
  const polls = new PollWord(table, 1);
  polls.open();
  let nowMs = 0;
  let found = 0;
  const look = (): void => {
    polls.begin(3);
    polls.begin(4);
    nowMs = (nowMs + 1) | 0;
    if (sampler.look(0, nowMs) !== 'nothing') found++;
    if (sampler.look(0, nowMs) !== 'nothing') found++;
    polls.end();
    if (sampler.look(0, nowMs) !== 'nothing') found++;
    if (sampler.look(1, nowMs) !== 'nothing') found++;
  };
  expect(expectZeroAllocation(look)).toBeLessThan(0.1);
  expect(found).toBe(0);
});
