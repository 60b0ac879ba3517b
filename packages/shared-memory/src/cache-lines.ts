// Which fields lie on which cache line: what the layout report prints and the false-sharing check judges.
import { ArgumentRangeError } from './errors.ts';
import type { PlacedField, Struct } from './struct.ts';

/** A stretch of a line: (part of) a field, or padding. */
export interface LinePart {
  readonly field: PlacedField | undefined;
  /** From the start of the struct. */
  readonly fromBytes: number;
  /** Exclusive. */
  readonly toBytes: number;
}

export interface CacheLine {
  readonly index: number;
  readonly parts: readonly LinePart[];
}

/** @throws ArgumentRangeError */
export function checkLineBytes(lineBytes: number): void {
  if (lineBytes !== 32 && lineBytes !== 64 && lineBytes !== 128 && lineBytes !== 256)
    throw new ArgumentRangeError('lineBytes', lineBytes, '32, 64, 128 or 256');
}

/** The lines of a struct that starts on one. Every byte is in exactly one part. */
export function cacheLines(struct: Struct, lineBytes: number): CacheLine[] {
  const parts: LinePart[] = [];
  let at = 0;
  for (const field of struct.fields) {
    if (field.offsetBytes > at) parts.push({ field: undefined, fromBytes: at, toBytes: field.offsetBytes });
    at = field.offsetBytes + field.sizeBytes;
    parts.push({ field, fromBytes: field.offsetBytes, toBytes: at });
  }
  if (at < struct.bytes) parts.push({ field: undefined, fromBytes: at, toBytes: struct.bytes });
  return Array.from({ length: Math.ceil(struct.bytes / lineBytes) }, (_, index) => ({
    index,
    parts: parts
      .map(({ field, fromBytes, toBytes }) => ({
        field,
        fromBytes: Math.max(fromBytes, index * lineBytes),
        toBytes: Math.min(toBytes, (index + 1) * lineBytes),
      }))
      .filter(({ fromBytes, toBytes }) => fromBytes < toBytes),
  }));
}
