/**
 * A range of memory: a view of JavaScript whose first byte and length are of whole pages. Any typed array or DataView will do, on a shared
 * WebAssembly.Memory, a SharedArrayBuffer or an ArrayBuffer. A view that tracks the length of its buffer counts with the length that
 * it has at the call.
 */
import { types } from 'node:util';
import type { Answer } from '../answer.ts';
import { unsupported } from '../answer.ts';
import { MemoryRangeError, PlatformOptionError } from '../errors.ts';
import type { MemoryMachine } from './machine.ts';
import type { NativeMemory } from './native-memory.ts';

/** Arguments of the addon for a part of a range. */
export type Part = readonly [view: Uint8Array, offsetBytes: number, lengthBytes: number];

export interface MemoryRange {
  readonly addon: NativeMemory;
  readonly lengthBytes: number;
  readonly pageBytes: number;
  readonly pages: number;
  /** For files of /proc only. */
  readonly address: number;
  readonly whole: Part;
  /** The call as a reason shows it: `mlock(65536 bytes)`. */
  readonly shown: (call: string, ...rest: unknown[]) => string;
}

const FALLBACK_PAGE_BYTES = 4096;
/** How often a call is made again that was interrupted, or that the kernel had no time for. Guessed. */
const TRIES = 8;
const EINTR = 4;
const EAGAIN = 11;

/** From the addon; without it from /proc/self/smaps; without that what the processor's usual pages are. */
export function readPageBytes(machine: MemoryMachine): number {
  const answer = machine.native.addon?.pageBytes();
  if (answer !== undefined && answer > 0) return answer;
  for (const line of machine.lines('/proc/self/smaps') ?? []) {
    const match = /^KernelPageSize:\s+([0-9]{1,9}) kB$/.exec(line);
    if (match !== null) return Number(match[1]) * 1024;
  }
  return process.platform === 'darwin' && process.arch === 'arm64' ? 16_384 : FALLBACK_PAGE_BYTES;
}

/**
 * Checks the range, and runs `use` on it where there is an addon.
 * @throws MemoryRangeError, PlatformOptionError
 */
export function onRange<T>(
  machine: MemoryMachine,
  view: ArrayBufferView,
  use: (range: MemoryRange) => Answer<T>,
): Answer<T> {
  const bytes = bytesOf(machine, view);
  const pageBytes = readPageBytes(machine);
  const { byteOffset: offsetBytes, byteLength: lengthBytes } = bytes;
  const found = { offsetBytes, lengthBytes, pageBytes };
  if (lengthBytes % pageBytes !== 0)
    throw new MemoryRangeError(
      found,
      `it ends ${lengthBytes % pageBytes} bytes after the last whole page, and a range is whole pages; alignedRange(buffer) gives one`,
    );
  const { addon, reason } = machine.native;
  if (addon === null)
    return unsupported(
      `system calls on memory need the addon, and ${reason}; there is no fallback: the memory stays as it is`,
    );
  const address = addon.memoryAddress(bytes, 0, lengthBytes);
  if (address % pageBytes !== 0)
    throw new MemoryRangeError(
      found,
      `it starts ${address % pageBytes} bytes after the start of a page, and a range is whole pages; alignedRange(buffer) gives one`,
    );
  return use({
    addon,
    lengthBytes,
    pageBytes,
    pages: lengthBytes / pageBytes,
    address,
    whole: [bytes, 0, lengthBytes],
    shown: (call, ...rest) => `${call}(${[`${lengthBytes} bytes`, ...rest].join(', ')})`,
  });
}

/** A part of a range. */
export function part(range: MemoryRange, offsetBytes: number, lengthBytes: number): Part {
  return [range.whole[0], offsetBytes, lengthBytes];
}

/** The blocks of `alignBytes` that lie wholly inside. `lengthBytes` 0: none. */
export function alignedInside(
  range: { readonly address: number; readonly lengthBytes: number },
  alignBytes: number,
): { offsetBytes: number; lengthBytes: number } {
  const offsetBytes = (alignBytes - (range.address % alignBytes)) % alignBytes;
  const left = range.lengthBytes - offsetBytes;
  return left < alignBytes
    ? { offsetBytes: 0, lengthBytes: 0 }
    : { offsetBytes, lengthBytes: left - (left % alignBytes) };
}

/** Calls again while the kernel says EINTR or EAGAIN, a bounded number of times. */
export function persist(call: () => number): number {
  let result = call();
  for (let tries = 1; tries < TRIES && (result === -EINTR || result === -EAGAIN); tries++) result = call();
  return result;
}

/** Fixed to what the view covers now. */
export function bytesOf(machine: MemoryMachine, view: ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(view))
    throw new PlatformOptionError('range', `needs a typed array or a DataView, found ${kindOf(view)}`);
  const own = types.isDataView(view) ? OF_DATA_VIEW : OF_TYPED_ARRAY;
  const buffer = own.buffer(view) as ArrayBufferLike;
  const [offsetBytes, lengthBytes] = extent(view, own);
  if (lengthBytes > 0) return new Uint8Array(buffer, offsetBytes, lengthBytes);
  throw new MemoryRangeError(
    { offsetBytes, lengthBytes, pageBytes: readPageBytes(machine) },
    isDetached(buffer) ? 'its buffer is detached' : 'there is nothing in it',
  );
}

interface Extent {
  readonly buffer: (view: ArrayBufferView) => unknown;
  readonly byteOffset: (view: ArrayBufferView) => unknown;
  readonly byteLength: (view: ArrayBufferView) => unknown;
}

/** A view, or its class, may have properties of its own by these names, which say anything. */
const OF_DATA_VIEW = gettersOf(DataView.prototype);
const OF_TYPED_ARRAY = gettersOf(Object.getPrototypeOf(Uint8Array.prototype) as object);

function gettersOf(prototype: object): Extent {
  const getter =
    (name: string) =>
    (view: ArrayBufferView): unknown =>
      Reflect.get(prototype, name, view);
  return { buffer: getter('buffer'), byteOffset: getter('byteOffset'), byteLength: getter('byteLength') };
}

/** A DataView that its buffer has shrunk away from throws at both. */
function extent(view: ArrayBufferView, own: Extent): [offsetBytes: number, lengthBytes: number] {
  try {
    return [Number(own.byteOffset(view)), Number(own.byteLength(view))];
  } catch {
    return [0, 0];
  }
}

export function isDetached(buffer: ArrayBufferLike): boolean {
  return 'detached' in buffer && (buffer as { readonly detached?: boolean }).detached === true;
}

/** The name of its class, or of its type. */
export function kindOf(value: unknown): string {
  return value === null
    ? 'null'
    : typeof value === 'object'
      ? (value.constructor?.name ?? 'object')
      : typeof value;
}
