// Writes the tasks of a client into slots, and hands these to the workers.
import {
  ClientLostError,
  PayloadMemoryError,
  SchedulerClosedError,
  SchedulerError,
  SlowLaneFullError,
  SourceThrottledError,
} from './errors.ts';
import {
  CLIENT_GONE,
  ENTERED,
  LANE_FULL,
  LEVELS,
  NO_SLOT,
  NOT_OPEN,
  slotHead,
  SLOW_FULL,
  SOURCE_THROTTLED,
  TIER_ISOLATE,
} from './layout.ts';
import { writeValue } from './payload.ts';
import type { SlotCache } from './slot-cache.ts';
import { slowLaneFor, slowNowMs } from './slow-lane/slow-lane.ts';
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
  /** Lanes from here on are the slow lane's, by level; Infinity where there is none. */
  readonly #slowFrom: number;

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
    this.#slowFrom = table.slow === undefined ? Infinity : LEVELS + table.threads;
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
    const isSlow = lane >= this.#slowFrom;
    i32[word + slotHead.word.lane] = isSlow ? lane - this.#slowFrom : lane;
    const rules = this.#rules;
    i32[word + slotHead.word.deadline] = terms === undefined ? 0 : rules.deadlineOf(terms);
    if (rules.hasTimes) table.times?.reset(slot);
    if (isSlow) return this.#enterSlow(slot, id, lane - this.#slowFrom);
    if (table.slow !== undefined && lane < LEVELS && table.tiers?.tierOf(id) === TIER_ISOLATE) {
      // Where that is refused, it waits with the others.
      if (table.kernel.submitSlow(table.at, slot, this.#party, slowLaneFor(lane), slowNowMs(), 0) === ENTERED)
        return slot;
    }
    const outcome = table.kernel.submitSlot(table.at, slot, this.#party, lane);
    if (outcome === ENTERED) return slot;
    if (outcome !== LANE_FULL) throw this.#refusal(outcome);
    this.#slots.discard(slot);
    return LANE_FULL;
  }

  /** As its caller asks for. */
  #enterSlow(slot: number, id: number, level: number): number {
    const { kernel, at, slow } = this.#table;
    const outcome = kernel.submitSlow(at, slot, this.#party, slowLaneFor(level), slowNowMs(), 0);
    if (outcome === ENTERED) return slot;
    if (outcome === SLOW_FULL || outcome === SOURCE_THROTTLED) this.#slots.discard(slot);
    if (outcome === SLOW_FULL) throw new SlowLaneFullError(this.#ids.nameOf(id), slow?.capacity ?? 0);
    if (outcome === SOURCE_THROTTLED)
      throw new SourceThrottledError(this.#ids.nameOf(id), slow?.perSource ?? 0);
    throw this.#refusal(outcome);
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
