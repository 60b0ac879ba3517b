// Which sizes a SizeClassPool has.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { checkRange } from './pool-memory.ts';

export interface SizeClass {
  /** Bytes of each buffer. */
  readonly bufferBytes: number;
  /** How many. */
  readonly buffers: number;
}

export interface SizeClassShape {
  /** The classes, in any order, of different sizes; or `minBytes`, `maxBytes` and `buffersPerClass` for powers of two. */
  readonly classes?: readonly SizeClass[];
  /** Bytes of the smallest class, rounded up to a power of two: 64 by default. */
  readonly minBytes?: number;
  /** Bytes of the largest class, rounded up to a power of two. */
  readonly maxBytes?: number;
  /** Buffers of each power of two. */
  readonly buffersPerClass?: number;
}

/** Of a token, 31 bits are the class's own: five more make it a safe integer by far. */
const MAX_CLASSES = 32;
const DEFAULT_MIN_BYTES = 64;

/** The classes, the smallest first. @throws ArgumentRangeError */
export function classSizes(shape: SizeClassShape): SizeClass[] {
  const { classes, minBytes, maxBytes, buffersPerClass } = shape;
  if (classes === undefined) return powersOfTwo(minBytes, maxBytes, buffersPerClass);
  const others = minBytes ?? maxBytes ?? buffersPerClass;
  if (others !== undefined)
    throw new ArgumentRangeError('classes', 'given', 'either this or minBytes, maxBytes and buffersPerClass');
  checkRange('classes.length', classes.length, 1, MAX_CLASSES);
  const sorted = classes.toSorted((a, b) => a.bufferBytes - b.bufferBytes);
  for (const [i, { bufferBytes }] of sorted.entries())
    if (bufferBytes === sorted[i + 1]?.bufferBytes)
      throw new ArgumentRangeError('classes', `${bufferBytes} bytes twice`, 'classes of different sizes');
  return sorted;
}

function powersOfTwo(minBytes = DEFAULT_MIN_BYTES, maxBytes?: number, buffersPerClass?: number): SizeClass[] {
  checkRange('minBytes', minBytes, 1, 2 ** 30);
  checkRange('maxBytes', maxBytes as number, minBytes, 2 ** 30);
  checkRange('buffersPerClass', buffersPerClass as number, 1, 2 ** 20);
  const sizes: SizeClass[] = [];
  for (let bytes = 2 ** Math.ceil(Math.log2(minBytes)); ; bytes *= 2) {
    sizes.push({ bufferBytes: bytes, buffers: buffersPerClass as number });
    if (bytes >= (maxBytes as number)) return sizes;
  }
}
