/** Getting a range of whole pages out of any buffer. */
import { types } from 'node:util';
import type { Answer } from '../answer.ts';
import { unsupported, verified } from '../answer.ts';
import { MemoryRangeError, PlatformOptionError } from '../errors.ts';
import type { MemoryMachine } from './machine.ts';
import { checkOptions } from '../options.ts';
import { alignedInside, bytesOf, isDetached, kindOf, readPageBytes } from './range.ts';
import { shown } from '../shown.ts';

export interface AlignedRangeOptions {
  /** Fail unless the range has as many bytes. Default: one page. */
  readonly minimumBytes?: number;
  /** What both ends are multiples of: the pages (default), or a power of two above, as the huge pages' 2097152. */
  readonly alignBytes?: number;
}

/** See `alignedRange` in memory.ts. */
export function largestAlignedRange(
  machine: MemoryMachine,
  memory: ArrayBufferLike | ArrayBufferView,
  options: AlignedRangeOptions,
): Answer<Uint8Array> {
  checkOptions('alignedRange', options, ['minimumBytes', 'alignBytes']);
  const pageBytes = readPageBytes(machine);
  const { alignBytes = pageBytes, minimumBytes = alignBytes } = options;
  if (!Number.isSafeInteger(minimumBytes) || minimumBytes <= 0)
    throw new PlatformOptionError('minimumBytes', `${shown(minimumBytes)} is no whole number above 0`);
  if (!Number.isSafeInteger(alignBytes) || !Number.isInteger(Math.log2(alignBytes)) || alignBytes < pageBytes)
    throw new PlatformOptionError(
      'alignBytes',
      `${shown(alignBytes)} is no power of two from the page size of ${pageBytes} up`,
    );
  const bytes = bytesOf(machine, ArrayBuffer.isView(memory) ? memory : wholeBuffer(memory, pageBytes));
  const { addon, reason } = machine.native;
  if (addon === null)
    return unsupported(`where a buffer lies in its pages is known to the addon only, and ${reason}`);
  const lengthBytes = bytes.byteLength;
  const address = addon.memoryAddress(bytes, 0, lengthBytes);
  const inside = alignedInside({ address, lengthBytes }, alignBytes);
  if (inside.lengthBytes < minimumBytes)
    throw new MemoryRangeError(
      { offsetBytes: bytes.byteOffset, lengthBytes, pageBytes: alignBytes },
      `its whole pages make ${inside.lengthBytes} bytes, ${minimumBytes} are needed`,
    );
  return verified(new Uint8Array(bytes.buffer, bytes.byteOffset + inside.offsetBytes, inside.lengthBytes));
}

function wholeBuffer(buffer: ArrayBufferLike, pageBytes: number): Uint8Array {
  if (!types.isAnyArrayBuffer(buffer))
    throw new PlatformOptionError('range', `needs a buffer or a view, found ${kindOf(buffer)}`);
  if (isDetached(buffer))
    throw new MemoryRangeError({ offsetBytes: 0, lengthBytes: 0, pageBytes }, 'its buffer is detached');
  return new Uint8Array(buffer, 0, buffer.byteLength);
}
