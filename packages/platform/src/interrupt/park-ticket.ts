/** What names a parkable worker, and one park of it, to other threads: plain data, which anybody may have made. */
import process from 'node:process';
import { type Refused } from '../answer.ts';
import { PlatformError } from '../errors.ts';

/** Names a registration. Plain data: send it to whoever may park this worker. */
export interface ParkTicket {
  /** Process of the worker: tickets are of no use in another. */
  readonly pid: number;
  readonly slot: number;
  readonly generation: number;
}

/** Names one park of a worker: resuming with it cannot end a later park of somebody else. */
export interface ParkClaim extends ParkTicket {
  /** Number of the park, from 1. */
  readonly park: number;
}

/** Something that is no ticket. Code `ERR_PARK_TICKET`. */
export class ParkTicketError extends PlatformError {
  override readonly name = 'ParkTicketError';

  constructor(problem: string) {
    super('ERR_PARK_TICKET', `not a park ticket: ${problem}`);
  }
}

/** Reads a ticket that came from elsewhere. `park` is 0 where it is not a claim. */
export function readTicket(ticket: ParkTicket | ParkClaim): ParkClaim {
  if (typeof ticket !== 'object' || ticket === null)
    throw new ParkTicketError(`expected an object, found ${ticket === null ? 'null' : typeof ticket}`);
  return {
    pid: natural(ticket, 'pid'),
    slot: natural(ticket, 'slot'),
    generation: natural(ticket, 'generation'),
    park: 'park' in ticket ? natural(ticket, 'park') : 0,
  };
}

function natural(ticket: object, name: string): number {
  const value: unknown = Reflect.get(ticket, name);
  if (typeof value !== 'number')
    throw new ParkTicketError(`its ${name} should be a number, found ${typeof value}`);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new ParkTicketError(`its ${name} should be a whole number from 0, found ${value}`);
  return value;
}

/** What is wrong with a ticket that is well formed. */
export function strayTicket(call: string, ticket: ParkTicket): Refused | undefined {
  if (ticket.pid === process.pid) return undefined;
  return {
    status: 'refused',
    errno: 'ESRCH',
    reason: `${call}: the ticket is of process ${ticket.pid}, and this is process ${process.pid}`,
  };
}
