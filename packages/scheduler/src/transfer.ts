// Values that are moved to the other thread instead of copied, marked as piscina marks them: by the same two symbols.
import { isAnyArrayBuffer } from 'node:util/types';
import type { Transferable } from 'node:worker_threads';
import { ArgumentRangeError } from '@corelane/shared-memory';
import type { PayloadSource } from './ports.ts';

/** What can be given for a parameter: bytes also as a lease of them. */
export type Passed<A> = A | ([Uint8Array] extends [A] ? PayloadSource : never);

/** What of a movable value is transferred: one object, or several. Piscina's symbol. */
export const transferableSymbol: unique symbol = Symbol.for('Piscina.transferable') as never;
/** The value that stands for a movable one on the other side. Piscina's symbol. */
export const valueSymbol: unique symbol = Symbol.for('Piscina.valueOf') as never;
/** For all copies of this package in a process. */
const MOVED = Symbol.for('@corelane/scheduler/moved');

/** Says itself what of it is transferred, and what arrives. */
export interface Movable {
  readonly [transferableSymbol]: unknown;
  readonly [valueSymbol]: unknown;
}

/** A value with what is transferred with it. Written to a slot more than once where there was no room: what was taken from its owner is kept here. */
export class Moved implements Movable {
  readonly list: readonly Transferable[];
  value: unknown;
  /** The value is this one's own: a clone, its buffers taken from whoever gave them. */
  isOwned = false;
  /** Of the link: the value on its way. */
  parcel: unknown;
  /** No clone of this means anything: within other values it is refused, with this name in the message. */
  readonly refusal: () => void = moveMarksArgumentsOrAResultAsAWhole;

  constructor(value: unknown, list: readonly Transferable[]) {
    this.value = value;
    this.list = list;
  }

  get [MOVED](): true {
    return true;
  }

  get [transferableSymbol](): unknown {
    return this.list;
  }

  get [valueSymbol](): unknown {
    return this.value;
  }
}

/**
 * Marks arguments or a result so that they are transferred, not copied: an ArrayBuffer, a view of one (its whole buffer goes), a MessagePort or
 * another transferable, or an object that says by `transferableSymbol` and `valueSymbol` what is transferred and what arrives. What is no
 * object is returned as it is. What is returned is of use for `run` and as a result alone.
 */
export function move<T>(value: T): T {
  if (typeof value !== 'object' || value === null || isMoved(value)) return value;
  return new Moved(movedValue(value), transferred(value)) as T;
}

/** Arguments of which the objects in a list are transferred. */
export function withTransfers(value: unknown, list: readonly Transferable[]): Moved {
  if (!Array.isArray(list)) throw new ArgumentRangeError('transferList', list, 'an array');
  if (!isMoved(value)) return new Moved(value, list);
  return new Moved(value.value, [...new Set([...list, ...value.list])]);
}

export function isMoved(value: unknown): value is Moved {
  return typeof value === 'object' && value !== null && (value as { [MOVED]?: unknown })[MOVED] === true;
}

function moveMarksArgumentsOrAResultAsAWhole(): void {}

function isMovable(value: object): value is Movable {
  return transferableSymbol in value && valueSymbol in value;
}

function movedValue(value: object): unknown {
  return isMovable(value) ? value[valueSymbol] : value;
}

function transferred(value: object): readonly Transferable[] {
  if (isMovable(value)) {
    const what = value[transferableSymbol];
    return (Array.isArray(what) ? what : [what]) as Transferable[];
  }
  if (ArrayBuffer.isView(value)) return value.buffer instanceof ArrayBuffer ? [value.buffer] : [];
  return [value as Transferable];
}

/** Bytes of what is transferred where all of it is array buffers, else -1. */
export function transferredBytes({ list }: Moved): number {
  let bytes = 0;
  for (const each of list as readonly unknown[]) {
    if (!(isAnyArrayBuffer(each) && each instanceof ArrayBuffer)) return -1;
    bytes += each.byteLength;
  }
  return bytes;
}
