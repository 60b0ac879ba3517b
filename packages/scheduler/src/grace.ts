// The time that a task has, once nobody wants it any more, before its worker is terminated. PROTOCOL.md, section 1.
import { CONDEMNED } from './layout.ts';
import type { SchedulerTable } from './table.ts';

export class GracePeriods {
  readonly #table: SchedulerTable;
  readonly #party: number;
  /** By slot. */
  readonly #timers = new Map<number, NodeJS.Timeout>();
  /** Tasks whose worker the owner was told to terminate. */
  condemned = 0;

  constructor(table: SchedulerTable, party: number) {
    this.#table = table;
    this.#party = party;
  }

  /**
   * The task in a slot was disowned while it ran.
   * @param generation of the slot then
   * @param graceMs 0: its worker is terminated now; Infinity: never
   * @param party that the state of the slot names
   */
  begin(slot: number, generation: number, graceMs: number, party: number = this.#party): void {
    // An older one's is over: its task has ended, or this one could not have run.
    clearTimeout(this.#timers.get(slot));
    this.#timers.delete(slot);
    if (graceMs === 0) this.#condemn(slot, generation, party);
    else if (graceMs < Infinity)
      // Unref'd: a process that has nothing else to do may end, and its workers with it.
      this.#timers.set(slot, setTimeout(() => this.#condemn(slot, generation, party), graceMs).unref());
  }

  #condemn(slot: number, generation: number, party: number): void {
    this.#timers.delete(slot);
    const { kernel, at } = this.#table;
    if (kernel.condemnSlot(at, slot, party, generation) === CONDEMNED) this.condemned++;
  }
}
