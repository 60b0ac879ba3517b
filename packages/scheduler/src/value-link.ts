// Values that bytes can not carry, and bytes for which there is no memory: they go by message ports, ahead of the task or of its end, and the slot
// has a number that they are taken by. PROTOCOL.md, section 10.
import type { MessagePort, Transferable } from 'node:worker_threads';

/** A value, or bytes that stand for one: `form` and `detail` are those of a payload, LINKED where it is the value itself. */
export interface Letter {
  readonly form: number;
  readonly detail: number;
  readonly value: unknown;
}

export interface ValueLink {
  /**
   * Sends the payload of a slot ahead. Throws what `postMessage` throws: then nothing was transferred.
   * @param parcel what an earlier call for the same value left with the caller
   * @returns the number that it is taken by, or NO_LINE: there is no line to the client yet
   */
  send(letter: Letter, transfers: readonly Transferable[], slot: number, keep?: Kept): number;
  /** Takes what was sent under a number, once. Throws where there is nothing. */
  take(ticket: number): Letter;
  /** Of a client: lends shared memory to whoever runs the task in a slot. @returns its number, which means the same for as long as the memory lives */
  lend?(memory: SharedArrayBuffer, slot: number): number;
}

/** Of a client: what its values wait in until a worker asks for them. Whoever sends the same value again passes the same. */
export interface Kept {
  parcel?: unknown;
}

export const NO_LINE = -1;

/** From a worker: asks for arguments. */
export const ASK = 0;
/** From a worker: a result. */
export const RESULT = 1;
/** From a worker: nobody will take that result. */
export const VOID = 2;
/** From a client: it has let the worker in. */
export const OPEN = 3;
/** From a client: the arguments, in a port of their own; without one where it has them no more. */
export const ANSWER = 4;

/** From a worker: asks for shared memory that a client lends, by its number. */
export const BORROW = 5;
/** From a client: that memory; without it where no task may need it. */
export const LEND = 6;

/** What passes over a line. */
export type LinkMessage =
  | readonly [kind: typeof ASK | typeof VOID | typeof BORROW, ticket: number]
  | readonly [kind: typeof RESULT, ticket: number, form: number, detail: number, value: unknown]
  | readonly [kind: typeof OPEN]
  | readonly [kind: typeof LEND, number: number, memory: SharedArrayBuffer | undefined]
  | readonly [kind: typeof ANSWER, ticket: number, parcel: MessagePort | undefined];

/** Tickets of results have the id of the worker's thread above these bits: it is never given again. */
const TICKETS_OF_THREAD = 2 ** 32;

export function resultTicket(thread: number, count: number): number {
  return thread * TICKETS_OF_THREAD + (count % TICKETS_OF_THREAD);
}

export function threadOfTicket(ticket: number): number {
  return Math.floor(ticket / TICKETS_OF_THREAD);
}
