// Takes back a task whose limit has come, wherever it is: in line, in a slot that waits, in one that runs.
import type { Backlog } from './backlog.ts';
import type { ClientLink } from './client-link.ts';
import { GracePeriods } from './grace.ts';
import { DISOWNED, NOT_YOURS, SLOT_QUEUED, slotHead, TOO_LATE, WITHDRAWN } from './layout.ts';
import type { SlotCache } from './slot-cache.ts';
import { isMoved } from './slow-lane/client-moves.ts';
import { generationIn, stateIn, type SchedulerTable } from './table.ts';
import { reasonOf, type Limit, type TaskLimits } from './task-limits.ts';
import { WAITS, type TaskTerms } from './task-terms.ts';
import { settle, type Settle, type Tickets } from './tickets.ts';

/** Of the client. */
export interface Revokes {
  readonly limits: TaskLimits;
  readonly backlog: Backlog;
  readonly tickets: Tickets;
  readonly slots: SlotCache;
  readonly link: ClientLink;
  /** So many tasks have ended. */
  landed(count: number): void;
}

export class Revocation {
  readonly grace: GracePeriods;
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #client: Revokes;

  constructor(table: SchedulerTable, party: number, client: Revokes) {
    this.grace = new GracePeriods(table, party);
    this.#table = table;
    this.#party = party;
    this.#client = client;
  }

  /** Rejects it, unless it was in time. What is being moved is looked at again afterwards: `TaskLimits.check`. */
  revoke(terms: TaskTerms, limit: Limit): void {
    const { limits, backlog } = this.#client;
    if (terms.slot === WAITS) {
      limits.end(terms);
      backlog.leave(terms);
      settle(terms.reject, reasonOf(terms, limit, false));
    } else if (terms.slot >= 0) this.#withdraw(terms, limit);
  }

  /**
   * Takes back what is in a lane. What runs already runs on, and its result is dropped.
   * @param reason what whoever waits for it is told; undefined: nothing
   * @param isQueuedAlone what runs stays
   */
  forsake(lane: number, reason?: unknown, isQueuedAlone = false): void {
    const { limits, tickets, slots, link } = this.#client;
    const table = this.#table;
    for (const slot of tickets.slots()) {
      if (table.i32[table.slotWord(slot) + slotHead.word.lane] !== lane) continue;
      if (isQueuedAlone && stateIn(table.stateOf(slot)) !== SLOT_QUEUED) continue;
      const outcome = table.kernel.cancelSlot(table.at, slot, this.#party);
      if (outcome !== WITHDRAWN && outcome !== DISOWNED) continue; // it comes with the others
      const terms = tickets.termsOf(slot);
      const reject = tickets.rejectOf(slot);
      if (terms !== undefined) limits.end(terms);
      tickets.delete(slot);
      if (link.size > 0) link.forget(slot);
      if (outcome === WITHDRAWN) slots.discard(slot);
      this.#client.landed(1);
      if (reason !== undefined) settle(reject, reason);
    }
  }

  /**
   * Takes back all tasks that have this end, and tells nobody: one function for many of them. What runs is told, and has its time of grace.
   * @param graceMs of those without terms
   */
  takeBack(reject: Settle, graceMs: number): void {
    const { limits, backlog, tickets, slots, link } = this.#client;
    const table = this.#table;
    backlog.takeBack(reject);
    for (const slot of tickets.slots()) {
      if (tickets.rejectOf(slot) !== reject) continue;
      const terms = tickets.termsOf(slot);
      const generation = generationIn(table.stateOf(slot));
      const outcome = table.kernel.cancelSlot(table.at, slot, this.#party);
      if (outcome !== WITHDRAWN && outcome !== DISOWNED) {
        if (terms !== undefined) terms.retries = 0; // it has ended, and is not to begin again
        // Or it is on its way to the slow lane, and does not get there.
        if (outcome === TOO_LATE && isMoved(table, slot)) {
          tickets.delete(slot);
          if (terms !== undefined) limits.end(terms);
        }
        continue;
      }
      tickets.delete(slot);
      if (terms !== undefined) limits.end(terms);
      if (link.size > 0) link.forget(slot);
      if (outcome === WITHDRAWN) slots.discard(slot);
      else this.grace.begin(slot, generation, terms?.graceMs ?? graceMs);
      this.#client.landed(1);
    }
  }

  #withdraw(terms: TaskTerms, limit: Limit): void {
    const { slot } = terms;
    const { limits, tickets, slots, link } = this.#client;
    const table = this.#table;
    const generation = generationIn(table.stateOf(slot));
    const outcome = table.kernel.cancelSlot(table.at, slot, this.#party);
    if (outcome === NOT_YOURS) return; // the client was reclaimed, and rejects all that it had
    // One that is on its way to the slow lane has not ended.
    const isUnderWay = outcome === TOO_LATE && isMoved(table, slot);
    if (outcome === TOO_LATE && limit !== 'signal' && !isUnderWay) return; // it was in time: this thread was busy, and its result is there
    tickets.delete(slot);
    limits.end(terms);
    if (link.size > 0 && outcome !== TOO_LATE) link.forget(slot);
    if (outcome === WITHDRAWN) slots.discard(slot);
    if (outcome === DISOWNED) this.grace.begin(slot, generation, terms.graceMs);
    if (outcome !== TOO_LATE) this.#client.landed(1); // else it is counted when it is collected
    settle(terms.reject, reasonOf(terms, limit, outcome === DISOWNED || isUnderWay));
  }
}
