// In a worker of common lanes: which of its tasks go on in the slow lane, and how their slots say so. PROTOCOL.md, section 15.
import {
  ENTERED,
  LEVELS,
  MOVED_STATE,
  MOVED_STAYS,
  MOVED_UNBEGUN,
  payloadKind,
  PHASE_OPEN,
  slotHead,
  TIER_ISOLATE,
} from '../layout.ts';
import { NUMBER } from '../payload-kind.ts';
import type { SchedulerTable } from '../table.ts';
import type { NameTiers } from '../budgets/name-tiers.ts';

const { moved: MOVED, list: LIST, form: FORM } = payloadKind.field;
const WORD = slotHead.word;
const NUMBER_BYTES = 8;
/** How long a task that the slow lane had no room for runs where it is, before it is moved after all. Guessed: as long as the boost there. */
const STAYS_MS = 1000;

export class WorkerMoves {
  readonly #table: SchedulerTable;
  readonly #tiers: NameTiers;

  private constructor(table: SchedulerTable, tiers: NameTiers) {
    this.#table = table;
    this.#tiers = tiers;
  }

  /** @returns undefined where tasks stay: there is no slow lane, or the worker is one of it */
  static of(table: SchedulerTable, isSlow: boolean): WorkerMoves | undefined {
    const { slow, tiers } = table;
    return isSlow || slow === undefined || tiers === undefined ? undefined : new WorkerMoves(table, tiers);
  }

  /** Of a task that was claimed, and of which nothing has been read: whether it is to begin in the slow lane, and can. */
  isRerouted(slot: number, name: number): boolean {
    return this.#tiers.tierOf(name) === TIER_ISOLATE && !this.#stays(slot) && this.isOpen(slot);
  }

  /**
   * From when on a task that begins may be moved, in milliseconds; Infinity: never. To be asked while the slot holds its arguments.
   * @param nowMs by any clock
   */
  movableFrom(slot: number, nowMs: number): number {
    if ((this.#kind(slot) & LIST.one) !== 0 || this.#isPinned(slot)) return Infinity;
    return this.#stays(slot) ? nowMs + STAYS_MS : nowMs;
  }

  /** Whether the slow lane would take it now, as far as can be seen from here, and the scheduler is open. */
  isOpen(slot: number): boolean {
    const { kernel, at, i32, phase } = this.#table;
    if (phase !== PHASE_OPEN) return false;
    return kernel.slowRefusal(at, i32[this.#table.slotWord(slot) + WORD.task] as number) === ENTERED;
  }

  /** Before `finishSlot(…, ENDED_MOVED)`: the slot holds the arguments that it came with. */
  markUnbegun(slot: number): void {
    this.#mark(slot, MOVED_UNBEGUN);
  }

  /** The same: the slot holds the state from which the task goes on. */
  markState(slot: number): void {
    this.#mark(slot, MOVED_STATE);
  }

  #mark(slot: number, how: number): void {
    markMoved(this.#table, slot, how);
  }

  #stays(slot: number): boolean {
    return this.#isPinned(slot) || movedIn(this.#table, slot) === MOVED_STAYS;
  }

  #isPinned(slot: number): boolean {
    return (this.#table.i32[this.#table.slotWord(slot) + WORD.lane] as number) >= LEVELS;
  }

  #kind(slot: number): number {
    return this.#table.i32[this.#table.slotWord(slot) + WORD.kind] as number;
  }
}

/** MOVED_ ... or 0, of a slot that this thread has for itself. */
export function movedIn(table: SchedulerTable, slot: number): number {
  return ((table.i32[table.slotWord(slot) + WORD.kind] as number) >>> MOVED.shift) & MOVED.mask;
}

/** Marks the payload of a slot that this thread has for itself, whatever it is. */
export function markMoved(table: SchedulerTable, slot: number, how: number): void {
  const word = table.slotWord(slot);
  const kind = table.i32[word + WORD.kind] as number;
  // Whoever reads a number that is marked looks where it lies, as for all but numbers that are not.
  if ((kind & FORM.mask) === NUMBER) table.i32[word + WORD.lengthBytes] = NUMBER_BYTES;
  table.i32[word + WORD.kind] = (kind & ~(MOVED.mask << MOVED.shift)) | (how << MOVED.shift);
}
