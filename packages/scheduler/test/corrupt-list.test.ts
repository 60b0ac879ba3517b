// Somebody writes over the link of a finished slot: its client ends with an error, and nothing hangs.
import { expect, test } from 'vitest';
import { Scheduler } from '../src/index.ts';
import { clientEntry, slotHead } from '../src/layout.ts';
import { SchedulerTable } from '../src/table.ts';
import { tasks } from './tasks/basic.ts';

/** Blocks this thread, so that it does not collect, until a task of the owner has finished. */
function finishedSlot(table: SchedulerTable): number {
  for (;;) {
    const head = Atomics.load(table.i32, table.clientWord(1) + clientEntry.word.finished);
    if (head > 0) return head - 1;
  }
}

test.each([1, 100_000, 2 ** 31 - 1, -5])(
  'a link that is %i: what waits settles, what comes is refused, the other client goes on, and all ends',
  async (link) => {
    const scheduler = Scheduler.create({ threads: 1, slots: 16 });
    const other = Scheduler.attach(scheduler.handle);
    await scheduler.run(tasks.double, 1);
    const table = SchedulerTable.attach(scheduler.handle);
    const lost = scheduler.run(tasks.double, 2);
    const slot = finishedSlot(table);
    // In a circle, to where no slot is, or out of memory.
    table.i32[table.slotWord(slot) + slotHead.word.next] = link === 1 ? slot + 1 : link;
    // In a circle it is found once, before that is noticed.
    const outcome = await lost.catch((error: { code: string }) => error.code);
    expect(outcome).toBe(link === 1 ? 4 : 'ERR_CORRUPT_SLOT');
    await expect(scheduler.run(tasks.double, 3)).rejects.toMatchObject({ code: 'ERR_CORRUPT_SLOT' });
    expect(await other.run(tasks.double, 4)).toBe(8);
    await other.close();
    await scheduler.destroy();
  },
);
