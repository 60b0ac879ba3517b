// Tasks of a client that have no slot yet: how many may wait, who goes where too many do, who is next.
import type { BackPressure } from './back-pressure.ts';
import { FAIR_EVERY, LANE_FULL, LEVELS, NO_SLOT } from './layout.ts';
import type { TaskLimits } from './task-limits.ts';
import { MOVES, WAITS, type TaskTerms } from './task-terms.ts';
import { settle, type Settle } from './tickets.ts';
import { WaitingLine, type Waiting } from './waiting-line.ts';

/** While other clients have all slots. Guessed. */
const LOOK_FOR_ROOM_MS = 1;
/** While others of this client have slots. Guessed. */
const LOOK_AGAIN_MS = 10;

/** The client. */
export interface Admits {
  readonly inFlight: number;
  nameOf(id: number): string;
  /** @returns the slot, or NO_SLOT or LANE_FULL: not now. @throws what `run` rejects with */
  enter(id: number, args: unknown, lane: number, terms: TaskTerms | undefined): number;
  /** No slot at all is this client's: asks others for one. */
  ask(): void;
  /** Has its slot. */
  place(slot: number, resolve: Settle, reject: Settle, terms: TaskTerms | undefined): void;
  /** So many have ended without one. */
  landed(count: number): void;
}

export class Backlog {
  readonly pressure: BackPressure;
  readonly #line = new WaitingLine();
  readonly #limits: TaskLimits;
  readonly #client: Admits;
  /** Tasks that left the line since a less urgent one had its turn. */
  #admissions = 0;
  #roomTimer: NodeJS.Timeout | undefined;

  constructor(client: Admits, limits: TaskLimits, pressure: BackPressure) {
    this.pressure = pressure;
    this.#client = client;
    this.#limits = limits;
  }

  /** Tasks that wait. */
  get size(): number {
    return this.#line.size;
  }

  /** Whether a task of this lane would overtake somebody. */
  isAhead(lane: number): boolean {
    return this.#line.isAhead(lane);
  }

  /** Settles when nobody waits. */
  empty(): Promise<void> {
    return this.#line.empty();
  }

  /** Another one waits. @throws QueueFullError, TaskShedError where it may not */
  add(
    lane: number,
    id: number,
    args: unknown,
    resolve: Settle,
    reject: Settle,
    terms: TaskTerms | undefined,
  ): void {
    const client = this.#client;
    const victim = this.pressure.makeRoom(this.#line, lane, client.nameOf(id), client.inFlight);
    if (victim !== undefined) {
      client.landed(1);
      this.#end(victim, this.pressure.shedError(client.nameOf(victim.id), victim.lane));
    }
    this.#line.push(lane, id, args, resolve, reject, terms);
    this.pressure.rose(this.#line.size);
  }

  /** One that was lost waits for its next turn: it was accepted, so there is room. */
  addAgain(terms: TaskTerms): void {
    terms.slot = WAITS;
    this.#line.push(terms.lane, terms.id, terms.args, terms.resolve, terms.reject, terms);
    this.#limits.check(terms);
  }

  /** One with terms that waits has ended, as these say. */
  leave(terms: TaskTerms): void {
    this.#line.left(terms.lane);
    this.#line.told();
    this.#client.landed(1);
  }

  /** All that have this end leave, and are not told. */
  takeBack(reject: Settle): void {
    const line = this.#line;
    const count = line.takeBack(reject, (terms) => this.#limits.end(terms));
    if (count === 0) return;
    line.told();
    this.pressure.fell(line.size);
    this.#client.landed(count);
  }

  /** Lets as many in as there is room for. */
  admit(): void {
    const line = this.#line;
    let outcome = LANE_FULL;
    for (const lane of line.pinned())
      do {
        const first = line.takeFrom(lane);
        if (first === undefined) break;
        outcome = this.#let(first);
      } while (outcome >= 0);
    for (let below = LEVELS; outcome !== NO_SLOT;) {
      // One in `FAIR_EVERY` is less urgent than the most urgent, as among tasks that have slots: no level starves.
      const isInTurn = this.#admissions >= FAIR_EVERY;
      const first = (isInTurn ? line.takeInTurn() : undefined) ?? line.take(below);
      if (first === undefined) break;
      const { lane } = first;
      outcome = this.#let(first);
      if (outcome >= 0) this.#admissions = isInTurn ? 0 : this.#admissions + 1;
      else if (outcome === LANE_FULL) {
        this.#admissions = 0;
        if (!isInTurn) below = lane; // the others may have room in theirs
      }
    }
    line.told();
    this.pressure.fell(line.size);
    this.expectRoom();
  }

  /**
   * Where somebody waits it looks for room from time to time: results of this client, which tell of it, may be long in coming, and where nothing of
   * it is on its way there are none.
   */
  expectRoom(): void {
    const { size } = this.#line;
    if (size === 0 || this.#roomTimer !== undefined) return;
    const hasSlots = size < this.#client.inFlight;
    if (!hasSlots) this.#client.ask();
    this.#roomTimer = setTimeout(
      () => {
        this.#roomTimer = undefined;
        this.admit();
      },
      hasSlots ? LOOK_AGAIN_MS : LOOK_FOR_ROOM_MS,
    );
  }

  /** All that wait are refused after all. */
  clear(error: Error): void {
    clearTimeout(this.#roomTimer);
    this.#roomTimer = undefined;
    const line = this.#line;
    for (const lane of line.pinned())
      for (let first = line.takeFrom(lane); first !== undefined; first = line.takeFrom(lane))
        this.#end(first, error);
    for (let first = line.take(LEVELS); first !== undefined; first = line.take(LEVELS))
      this.#end(first, error);
    line.told();
    this.pressure.fell(0);
  }

  /** Lets one in that was taken out of the line, or puts it back. @returns not less than 0, NO_SLOT, or LANE_FULL */
  #let(waiting: Waiting): number {
    const { lane, id, args, resolve, reject, terms } = waiting;
    if (terms !== undefined) terms.slot = MOVES;
    let slot: number;
    try {
      slot = this.#client.enter(id, args, lane, terms);
    } catch (error) {
      this.#client.landed(1);
      if (terms !== undefined) this.#limits.end(terms);
      settle(reject, error);
      return 0;
    }
    if (slot >= 0) this.#client.place(slot, resolve, reject, terms);
    else {
      this.#line.putBack(lane, id, args, resolve, reject, terms);
      if (terms !== undefined) terms.slot = WAITS;
    }
    if (terms !== undefined) this.#limits.check(terms);
    return slot;
  }

  #end({ reject, terms }: Waiting, error: unknown): void {
    if (terms !== undefined) this.#limits.end(terms);
    settle(reject, error);
  }
}
