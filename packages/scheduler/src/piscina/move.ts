// Values that are handed over rather than copied: `move` marks them, and whoever sends a value looks for the mark.
import type { Transferable as NodeTransferable } from 'node:worker_threads';
import { withTransfers } from '../transfer.ts';
import { movable, transferableSymbol, valueSymbol } from './symbols.ts';

/** Something that says itself what of it is transferred, and what arrives in its place. */
export interface Transferable {
  readonly [transferableSymbol]: object;
  readonly [valueSymbol]: object;
}

export type TransferListItem = NodeTransferable;
export type TransferList = readonly TransferListItem[];

const NOTHING: TransferList = [];

class MovedObject implements Transferable {
  readonly #value: object;

  constructor(value: object) {
    this.#value = value;
  }

  get [transferableSymbol](): object {
    return this.#value;
  }

  get [valueSymbol](): object {
    return this.#value;
  }
}

class MovedView implements Transferable {
  readonly #view: ArrayBufferView;

  constructor(view: ArrayBufferView) {
    this.#view = view;
  }

  get [transferableSymbol](): object {
    return this.#view.buffer;
  }

  get [valueSymbol](): object {
    return this.#view;
  }
}

export function isTransferable(value: unknown): value is Transferable {
  return typeof value === 'object' && value !== null && transferableSymbol in value && valueSymbol in value;
}

/** Whether it is to be handed over. */
export function isMovable(value: unknown): value is Transferable {
  return isTransferable(value) && (value as { [movable]?: boolean })[movable] === true;
}

export function markMovable(value: object): void {
  Object.defineProperty(value, movable, { value: true, configurable: true, writable: true });
}

/** Marks a value, so that passing or returning it transfers it: an ArrayBuffer, a view of one, a port, or a `Transferable`. Anything but an object is returned as it is. */
export function move<T>(value: T): T extends object ? Transferable : T;
export function move(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const marked = isTransferable(value)
    ? value
    : ArrayBuffer.isView(value)
      ? new MovedView(value)
      : new MovedObject(value);
  markMovable(marked);
  return marked;
}

/** What is sent for a value, something of which is transferred. */
export function outgoing(value: unknown, transferList: TransferList = NOTHING): unknown {
  if (isMovable(value)) {
    const own = value[transferableSymbol] as TransferListItem | TransferListItem[];
    return withTransfers(value[valueSymbol], transferList.concat(own));
  }
  return transferList.length === 0 ? value : withTransfers(value, transferList);
}
