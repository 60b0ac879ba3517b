// Forms of a payload: `payloadKind.form` of a slot.
import type { PayloadSource } from './ports.ts';

export const UNDEFINED = 1;
export const NULL = 2;
export const FALSE = 3;
export const TRUE = 4;
export const NUMBER = 5;
/** An array of numbers. */
export const NUMBERS = 6;
/** Text of characters up to U+00FF. */
export const LATIN1 = 7;
export const UTF16 = 8;
/** A copy of an ArrayBuffer or of a view of one; its class is the detail. */
export const BYTES = 9;
/** Shared memory where it is: memory, class, offset and length. */
export const SHARED = 10;
/** Of 64 bits. */
export const BIGINT = 11;
export const DATE = 12;
/** A flat object of numbers; its shape is the detail. */
export const RECORD = 13;
export const JSON_LATIN1 = 14;
export const JSON_UTF16 = 15;
/** By structured clone. */
export const CLONE = 16;
/** By the codec of the task, or of the scheduler. */
export const CODEC = 17;
/** An error that was thrown, as a record. */
export const ERROR = 18;
/** Goes by a message port; the number that it is taken by. */
export const LINKED = 19;

export type What = 'arguments' | 'result';

/** Whether a value is a lease, or something like it. */
export function isSource(value: object): value is PayloadSource {
  const { give, bytes } = value as { give?: unknown; bytes?: unknown };
  return typeof give === 'function' && bytes instanceof Uint8Array;
}
