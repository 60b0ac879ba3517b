// The workers of the slow lane: they come when something enters it, and there is nobody for it.
import type { Seat } from '../seat.ts';
import type { SchedulerTable } from '../table.ts';

/** Of the owner, after its bell and after a worker's end. @returns seats of the slow lane that want a thread; from here on clients that find nobody ask anew */
export function wantedSlow(table: SchedulerTable, seats: readonly Seat[]): Seat[] {
  const { kernel, at } = table;
  const vacant = seats.filter((seat) => seat.isVacant);
  // Before the look: whoever enters a task after it asks again.
  const waiting = kernel.armSlowGrowth(at, vacant.length > 0 ? 1 : 0);
  const coming = seats.filter((seat) => seat.state === 'starting' || seat.restart !== undefined).length;
  const wanted = vacant.slice(0, Math.max(0, waiting - coming));
  if (wanted.length === vacant.length) kernel.armSlowGrowth(at, 0);
  return wanted;
}
