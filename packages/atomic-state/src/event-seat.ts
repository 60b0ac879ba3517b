// The seat of one producer or consumer: its place in the buffer, and its life.
import { threadId } from 'node:worker_threads';
import { repairTally } from '@corelane/shared-memory';
import { EventReclaimedError, EventRoleError, EventRolesExhaustedError } from './event-errors.ts';
import type { EventPlace } from './event-place.ts';
import { EVENT_REFUSAL_BYTES, EVENT_REFUSALS, eventSeat } from './layout.ts';
import { deadThread, THIS_THREAD } from './this-thread.ts';

const TALLIES = ['claims', 'claimRetries', 'takes', 'takeRetries', 'inspected'] as const;

/** Word indices of all tallies of a seat, from its start. */
const SEAT_TALLIES: readonly number[] = [
  ...TALLIES.map((name) => eventSeat.word[name]),
  ...Array.from(
    { length: EVENT_REFUSALS },
    (_, i) => eventSeat.word.refused + ((i * EVENT_REFUSAL_BYTES) >> 2),
  ),
];

/** Takes a free seat. @returns its address @throws EventRolesExhaustedError */
export function takeSeat(place: EventPlace): number {
  const { kernel, seats, seatsAt, arena } = place;
  for (let i = 0; i < seats; i++) {
    const seat = seatsAt + i * eventSeat.bytes;
    if (kernel.seatOwner(seat) !== 0 || kernel.passSeat(seat, 0, THIS_THREAD) === 0) continue;
    for (const tally of SEAT_TALLIES) repairTally(arena.i32, (seat >> 2) + tally);
    return seat;
  }
  throw new EventRolesExhaustedError(seats);
}

/** What `reclaim` found. */
export interface ReclaimedEvents {
  /** Producers and consumers of the thread. */
  readonly roles: number;
  /** Events that were accepted and never published: consumers pass them by. Their ids and tokens stay spent. */
  readonly abandoned: number;
  /** Events that were taken and not released: the thread may have handled them, or not. */
  readonly lostWithConsumer: number;
}

/** Frees the seats of a thread that has ended. @throws ArgumentRangeError */
export function reclaimSeats(place: EventPlace, ended: number): ReclaimedEvents {
  const dead = deadThread(ended);
  const { kernel, seats, seatsAt, at } = place;
  kernel.recoverEvents(at, dead);
  const found = { roles: 0, abandoned: 0, lostWithConsumer: 0 };
  for (let i = 0; i < seats; i++) {
    const seat = seatsAt + i * eventSeat.bytes;
    if (kernel.passSeat(seat, dead, THIS_THREAD) === 0) continue;
    found.roles++;
    found.abandoned += kernel.abandonClaim(at, seat);
    found.lostWithConsumer += kernel.dropTaken(at, seat);
    kernel.forgetSleeper(at, seat);
    kernel.freeSeat(seat);
  }
  return found;
}

/** Why a role cannot go on: its seat is 0. */
export function roleIsOver(role: 'producer' | 'consumer'): EventRoleError {
  return new EventRoleError('ERR_EVENT_ROLE_DISPOSED', `the ${role} was disposed of, expected a live one`);
}

export function roleWasReclaimed(role: 'producer' | 'consumer'): EventReclaimedError {
  return new EventReclaimedError(role, threadId);
}
