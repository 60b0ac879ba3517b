// Writes the tasks of a client into slots, and hands these to the workers.
import { ClientLostError, PayloadMemoryError, SchedulerClosedError, SchedulerError } from './errors.ts';
import { CLIENT_GONE, ENTERED, LANE_FULL, NO_SLOT, NOT_OPEN, slotHead } from './layout.ts';
import { writeValue } from './payload.ts';
import type { SlotCache } from './slot-cache.ts';
import type { SchedulerTable } from './table.ts';
import type { TaskIds } from './task-ids.ts';
import type { TaskRules } from './task-rules.ts';
import type { TaskTerms } from './task-terms.ts';

export class SlotWriter {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #slots: SlotCache;
  readonly #ids: TaskIds;
  readonly #rules: TaskRules;
  readonly #lose: () => void;

  /** @param lose the client was reclaimed */
  constructor(
    table: SchedulerTable,
    party: number,
    slots: SlotCache,
    ids: TaskIds,
    rules: TaskRules,
    lose: () => void,
  ) {
    this.#table = table;
    this.#party = party;
    this.#slots = slots;
    this.#ids = ids;
    this.#rules = rules;
    this.#lose = lose;
  }

  /** @returns the slot, or NO_SLOT or LANE_FULL: not now. @throws what `run` rejects with */
  enter(id: number, args: unknown, lane: number, terms: TaskTerms | undefined): number {
    const slot = this.#slots.take();
    if (slot < 0) {
      if (slot === NO_SLOT) return NO_SLOT;
      throw this.#refusal(slot);
    }
    const table = this.#table;
    const { i32 } = table;
    const word = table.slotWord(slot);
    i32[word + slotHead.word.task] = id;
    try {
      writeValue(table, slot, args, 'arguments', this.#ids.nameOf(id));
    } catch (error) {
      this.#slots.keep(slot);
      if (error instanceof PayloadMemoryError) return NO_SLOT; // there is as soon as others have ended
      throw error;
    }
    i32[word + slotHead.word.lane] = lane;
    const rules = this.#rules;
    i32[word + slotHead.word.deadline] = terms === undefined ? 0 : rules.deadlineOf(terms);
    if (rules.hasTimes) table.times?.reset(slot);
    const outcome = table.kernel.submitSlot(table.at, slot, this.#party, lane);
    if (outcome === ENTERED) return slot;
    if (outcome !== LANE_FULL) throw this.#refusal(outcome);
    this.#slots.discard(slot);
    return LANE_FULL;
  }

  #refusal(outcome: number): Error {
    switch (outcome) {
      case CLIENT_GONE:
        this.#lose();
        return new ClientLostError(this.#party - 1);
      case NOT_OPEN:
        return new SchedulerClosedError('the scheduler is closed, expected it to be open');
      default:
        return new SchedulerError('ERR_INTERNAL', `unexpected outcome ${outcome} of acquireSlot`);
    }
  }
}
