import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { takePlace } from '../src/client-places.ts';
import { CLIENT_GONE, DELIVERED, ENTERED, RELEASED } from '../src/layout.ts';
import { tableOptions } from '../src/options.ts';
import { bytesFor, SchedulerTable } from '../src/table.ts';

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
