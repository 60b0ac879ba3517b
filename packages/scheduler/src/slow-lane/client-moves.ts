// On a client: tasks that a worker has moved. Their slots come back as finished ones do, and go into the slow lane, with what they hold as arguments: who waits for
// them waits on. PROTOCOL.md, section 15.
import type { ClientLink } from '../client-link.ts';
import { PayloadMemoryError, SchedulerClosedError } from '../errors.ts';
import {
  CLIENT_GONE,
  ENTERED,
  LANE_FULL,
  MOVED_STATE,
  MOVED_STAYS,
  MOVED_UNBEGUN,
  NOT_OPEN,
  payloadKind,
  slotHead,
} from '../layout.ts';
import { LINKED } from '../payload-kind.ts';
import { writeOverflow } from '../payload-letter.ts';
import { copyValue, takeValue, writeValue } from '../payload.ts';
import type { SlotCache } from '../slot-cache.ts';
import type { SchedulerTable } from '../table.ts';
import type { TaskLimits } from '../task-limits.ts';
import { MOVES } from '../task-terms.ts';
import { settle, type Tickets } from '../tickets.ts';
import { slowLaneFor, slowNowMs } from './slow-lane.ts';
import { markMoved, movedIn } from './worker-moves.ts';

/** Where neither the slow lane nor the one that it came from has room. Guessed. */
const AGAIN_MS = 2;
const FORM_MASK: number = payloadKind.field.form.mask;

/** Of the client. */
export interface MovesFor {
  readonly tickets: Tickets;
  readonly slots: SlotCache;
  readonly link: ClientLink;
  readonly limits: TaskLimits;
  /** So many tasks have ended. */
  landed(count: number): void;
  /** The client was reclaimed. */
  lose(): void;
}

export class ClientMoves {
  readonly #table: SchedulerTable;
  readonly #party: number;
  readonly #client: MovesFor;
  /** Slots that nobody has room for: taken off the list, and busy for whoever closes. */
  #waiting: number[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Tasks that entered the slow lane, and those that were left where they were. */
  moved = 0;
  stayed = 0;

  constructor(table: SchedulerTable, party: number, client: MovesFor) {
    this.#table = table;
    this.#party = party;
    this.#client = client;
  }

  /**
   * Of a slot that was taken off the list, and that `isMoved`.
   * @returns whether its task goes on; else nobody waits for it
   */
  take(slot: number): boolean {
    const { tickets, limits, link } = this.#client;
    const reject = tickets.rejectOf(slot);
    if (reject === undefined) {
      this.#drop(slot);
      return false;
    }
    const terms = tickets.termsOf(slot);
    if (terms !== undefined) terms.slot = MOVES; // a codec may run: what it aborts is seen below
    try {
      if (movedIn(this.#table, slot) === MOVED_STATE) {
        link.forget(slot); // the arguments that it began with
        const state = this.#carry(slot, (terms?.retries ?? 0) > 0);
        if (terms !== undefined && terms.retries > 0) terms.args = state;
      }
    } catch (error) {
      tickets.delete(slot);
      if (terms !== undefined) limits.end(terms);
      this.#drop(slot);
      settle(reject, error);
      return false;
    }
    if (terms !== undefined) terms.slot = slot;
    if (!this.#enter(slot)) return false;
    if (terms !== undefined) limits.check(terms);
    return true;
  }

  /** Once more, those that nobody had room for. */
  again(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const slot of waiting) {
      if (this.#client.tickets.rejectOf(slot) === undefined) this.#drop(slot);
      else if (this.#enter(slot)) continue;
      this.#client.landed(1);
    }
  }

  /** The client has no slots any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  /**
   * A state that has come by a port goes on by another one, or as shared memory that this client lends. All others lie where they are.
   * @returns the state, where it is wanted: for a task that may run again
   */
  #carry(slot: number, isWanted: boolean): unknown {
    const table = this.#table;
    const word = table.slotWord(slot);
    const form = (table.i32[word + slotHead.word.kind] as number) & FORM_MASK;
    if (form !== LINKED) return isWanted ? copyValue(table, slot) : undefined;
    const value = takeValue(table, slot);
    const name = table.taskNameIn(slot);
    try {
      writeValue(table, slot, value, 'arguments', name);
    } catch (error) {
      if (!(error instanceof PayloadMemoryError)) throw error;
      table.i32[word + slotHead.word.kind] = writeOverflow(table, slot, value, 'arguments', name);
    }
    markMoved(table, slot, MOVED_STATE);
    return value;
  }

  /** @returns whether it goes on, now or later; else its promise is settled */
  #enter(slot: number): boolean {
    const table = this.#table;
    const { kernel, at, i32 } = table;
    const lane = i32[table.slotWord(slot) + slotHead.word.lane] as number;
    let outcome = kernel.submitSlow(at, slot, this.#party, slowLaneFor(lane), slowNowMs(), 1);
    if (outcome === ENTERED) {
      this.moved++;
      return true;
    }
    if (outcome !== NOT_OPEN && outcome !== CLIENT_GONE) {
      const was = movedIn(table, slot);
      markMoved(table, slot, MOVED_STAYS);
      outcome = kernel.submitSlot(at, slot, this.#party, lane);
      if (outcome === ENTERED) {
        this.stayed++;
        return true;
      }
      markMoved(table, slot, was);
      if (outcome === LANE_FULL) {
        this.#wait(slot);
        return true;
      }
    }
    if (outcome === CLIENT_GONE) this.#client.lose();
    else this.#refuse(slot);
    return false;
  }

  #wait(slot: number): void {
    this.#waiting.push(slot);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.again();
    }, AGAIN_MS);
  }

  /** The scheduler was destroyed meanwhile. */
  #refuse(slot: number): void {
    const { tickets, limits } = this.#client;
    const reject = tickets.rejectOf(slot);
    const terms = tickets.termsOf(slot);
    tickets.delete(slot);
    if (terms !== undefined) limits.end(terms);
    this.#drop(slot);
    settle(reject, new SchedulerClosedError('the scheduler was destroyed before the task ended'));
  }

  /** Nobody wants it. Its slot goes back: for whoever closes it would be busy as long as this client kept it. */
  #drop(slot: number): void {
    this.#client.link.forget(slot);
    this.#client.slots.release(slot);
  }
}

/** Whether a slot that has ended, or was taken off the list, holds a task that is to go on in the slow lane. */
export function isMoved(table: SchedulerTable, slot: number): boolean {
  const moved = movedIn(table, slot);
  return moved === MOVED_STATE || moved === MOVED_UNBEGUN;
}
