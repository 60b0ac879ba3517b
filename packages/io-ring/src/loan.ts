/**
 * Memory of operations, as the caller has it: views, and buffers that know in whose hands they are. Those are lent to the kernel before the
 * operation is offered to the ring, and taken back when it has completed, whatever came of it, before its promise settles: nobody can look at
 * them, release them or have them reused meanwhile.
 */
import { threadId } from 'node:worker_threads';
import { IoArgumentError, IoMemoryError } from './errors.ts';
import type { Operation } from './operation.ts';
import { checkObject } from './operation-options.ts';
import type { LeasedBuffer } from './ports.ts';
import { checkMemory } from './regions.ts';

/** What an operation reads into or writes from: a view on shared memory, or a buffer that is lent. */
export type IoMemory = Uint8Array | LeasedBuffer;

/** Which of its bytes. */
export interface MemoryRange {
  /** The first one: 0 by default. */
  readonly offset?: number | undefined;
  /** How many. Default: what is left; for what is written from a lease, what is left of its `length`. */
  readonly length?: number | undefined;
}

/** Whether the memory is to be filled, or holds what is to be written. */
export type Direction = 'fill' | 'drain';

/** How many bytes were transferred. */
export const UNKNOWN = -1;

// Numbers of operations: positive i32, told apart by thread in the high bits, so that threads that share a pool do not have the same ones in flight.
const COUNT_BITS = 23;
const COUNT_MASK = (1 << COUNT_BITS) - 1;
const threadBits = (threadId & 0xff) << COUNT_BITS;
let count = 0;

/** A number that no operation of this thread has in flight on a buffer. */
export function nextLoan(): number {
  count = (count + 1) & COUNT_MASK;
  return threadBits | count;
}

/** @throws IoArgumentError for what is neither a view nor a lease */
function isLease(memory: unknown, name: string): memory is LeasedBuffer {
  if (memory instanceof Uint8Array) return false;
  const lease = memory as Partial<LeasedBuffer> | null | undefined;
  if (typeof lease?.give === 'function' && typeof lease.take === 'function') return true;
  throw new IoArgumentError(name, memory, 'a Uint8Array on shared memory, or a lease of a buffer-pool');
}

/**
 * The bytes of an operation. @throws IoArgumentError, IoMemoryError, and what the lease throws where it is not its user's
 */
export function viewOf(
  memory: IoMemory,
  name: string,
  direction: Direction,
  range?: MemoryRange,
): Uint8Array {
  const lease = isLease(memory, name);
  const bytes = lease ? memory.bytes : memory;
  checkMemory(bytes, name);
  if (range !== undefined) checkObject(range, '`{ offset, length }`, of a file `position` as well');
  const end = lease && direction === 'drain' ? (memory.length ?? bytes.byteLength) : bytes.byteLength;
  // No default object: staging in a batch allocates nothing.
  const offset = range?.offset ?? 0;
  const length = range?.length;
  if (offset === 0 && length === undefined) {
    if (lease && end === 0) throw emptyLease(name);
    return end === bytes.byteLength ? bytes : bytes.subarray(0, end);
  }
  checkBytes('offset', offset, bytes.byteLength);
  if (length === undefined) {
    if (lease && offset >= end) throw emptyLease(name, offset);
    return bytes.subarray(offset, end);
  }
  checkBytes('length', length, bytes.byteLength - offset);
  return bytes.subarray(offset, offset + length);
}

/** Sets the memory of an operation on one buffer. @throws as `viewOf` */
export function setMemory(
  operation: Operation,
  memory: IoMemory,
  direction: Direction,
  range?: MemoryRange,
): void {
  operation.view = viewOf(memory, 'memory', direction, range);
  if (memory instanceof Uint8Array) return;
  operation.lease = memory;
  operation.leaseFilledFrom = direction === 'fill' ? (range?.offset ?? 0) : -1;
}

/** Sets the memory of an operation on several buffers. @throws as `viewOf` */
export function setVectors(operation: Operation, parts: readonly IoMemory[], direction: Direction): void {
  operation.vectors = parts.map((part, index) => viewOf(part, `views[${index}]`, direction));
  if (parts.every((part) => part instanceof Uint8Array)) return;
  operation.leases = parts.map((part) => (part instanceof Uint8Array ? null : part));
  operation.leaseFilledFrom = direction === 'fill' ? 0 : -1;
}

/** Lends what an operation has of leases. Throws what a lease throws, and has then lent nothing. */
export function lend(operation: Operation): void {
  const { lease, leases, steps } = operation;
  if (steps !== null) lendSteps(steps);
  if (lease === null && leases === null) return;
  const loan = nextLoan();
  if (lease !== null) lease.give(loan);
  else if (leases !== null) lendAll(leases, loan);
  operation.loan = loan;
}

function lendSteps(steps: readonly Operation[]): void {
  let lent = 0;
  try {
    for (; lent < steps.length; lent++) lend(steps[lent] as Operation);
  } catch (error) {
    for (const step of steps.slice(0, lent)) takeBack(step, UNKNOWN);
    throw error;
  }
}

function lendAll(leases: readonly (LeasedBuffer | null)[], loan: number): void {
  let given = 0;
  try {
    for (; given < leases.length; given++) leases[given]?.give(loan);
  } catch (error) {
    for (const lease of leases.slice(0, given)) lease?.take(loan);
    throw error;
  }
}

/**
 * Takes everything back: the operation has completed, or was never started. Sets the `length` of what was filled.
 * @param transferredBytes of the whole operation; UNKNOWN where it was never started or failed at once
 * @returns what a lease threw, which somebody else has ended meanwhile
 */
export function takeBack(operation: Operation, transferredBytes: number): unknown {
  const { loan, steps } = operation;
  if (steps !== null) for (const step of steps) takeBack(step, UNKNOWN); // those that have completed are back already
  if (loan < 0) return undefined;
  operation.loan = -1;
  const from = operation.leaseFilledFrom;
  const filled = from >= 0 && transferredBytes >= 0;
  if (operation.lease !== null) return takeOne(operation.lease, loan, filled ? from + transferredBytes : -1);
  let left = transferredBytes;
  let problem: unknown;
  for (const [index, lease] of (operation.leases ?? []).entries()) {
    const bytes = Math.min(left, operation.vectors?.[index]?.byteLength ?? 0);
    left -= bytes;
    if (lease !== null) problem = takeOne(lease, loan, filled ? bytes : -1) ?? problem;
  }
  return problem;
}

/**
 * Takes one back, and sets its length unless that is -1.
 * @returns what it threw
 */
export function takeOne(lease: LeasedBuffer, loan: number, length: number): unknown {
  try {
    if (lease.take(loan) !== false && length >= 0 && lease.length !== undefined) lease.length = length;
    return undefined;
  } catch (error) {
    return error;
  }
}

function emptyLease(name: string, offset = 0): IoMemoryError {
  return new IoMemoryError(
    `${name} holds nothing${offset === 0 ? '' : ` from byte ${offset} on`}: set its \`length\`, or pass one`,
  );
}

function checkBytes(name: string, found: unknown, most: number): void {
  if (typeof found !== 'number' || !Number.isInteger(found) || found < 0 || found > most)
    throw new IoArgumentError(name, found, `a whole number from 0 to ${most}`);
}
