// Finds fields that are written independently and lie on one cache line: each write of the one takes the line away from
// those who use the other.
import { checkLineBytes } from './cache-lines.ts';
import { SharedMemoryError } from './errors.ts';
import { LINE_BYTES, type PlacedField, type Struct } from './struct.ts';

export interface FalseSharingOptions {
  /** 128 by default: see LINE_BYTES. */
  readonly lineBytes?: number;
  /**
   * Do structs of this layout lie one after the other, each with users of its own? True by default, but for a `root()`.
   * Then elements must not share lines either.
   */
  readonly isElement?: boolean;
}

/** A field of an element of an array; element 0 where there is only one. */
export interface SharedField {
  readonly name: string;
  readonly hot: string;
  readonly element: number;
  /** From the start of the array. */
  readonly offsetBytes: number;
}

export interface FalseSharing {
  readonly struct: string;
  readonly first: SharedField;
  readonly second: SharedField;
  /** The line that both touch, from the start of the array. */
  readonly line: number;
  readonly lineBytes: number;
}

/** Two independent hot fields share a line. */
export class FalseSharingError extends SharedMemoryError {
  override readonly name = 'FalseSharingError';
  readonly found: readonly FalseSharing[];

  constructor(found: readonly FalseSharing[]) {
    super('ERR_FALSE_SHARING', found.map(say).join('\n'));
    this.found = found;
  }
}

/**
 * Pairs of fields with a `hot` name that share a line: in one struct where the names differ, in different elements of an array
 * in any case. Assumes that the first struct starts on a line, as all that an arena allocates by default does.
 * @throws ArgumentRangeError
 */
export function falseSharing(struct: Struct, options: FalseSharingOptions = {}): FalseSharing[] {
  const { lineBytes = LINE_BYTES, isElement = !struct.root } = options;
  checkLineBytes(lineBytes);
  const hot = struct.fields.filter((field) => field.hot !== undefined);
  const found: FalseSharing[] = [];
  // How elements lie on lines repeats after `period` of them; two that share a line are at most `reach` apart.
  const period = isElement ? lineBytes / gcd(struct.bytes, lineBytes) : 1;
  const reach = isElement ? Math.ceil(lineBytes / struct.bytes) : 0;
  /** The first place where these fields, so many elements apart, share a line. */
  const compare = (a: PlacedField, b: PlacedField, distance: number): boolean => {
    for (let element = 0; element < period; element++) {
      const first = place(struct, a, element);
      const second = place(struct, b, element + distance);
      const line = commonLine(first.offsetBytes, a.sizeBytes, second.offsetBytes, b.sizeBytes, lineBytes);
      if (line < 0) continue;
      found.push({ struct: struct.name, first, second, line, lineBytes });
      return true;
    }
    return false;
  };
  for (const [i, a] of hot.entries()) for (const b of hot.slice(i + 1)) if (a.hot !== b.hot) compare(a, b, 0);
  for (const a of hot)
    for (const b of hot) for (let distance = 1; distance <= reach && !compare(a, b, distance); distance++);
  return found;
}

/**
 * For a test: fails where two independent hot fields share a line.
 * @throws FalseSharingError naming each pair, with its offsets and line; ArgumentRangeError
 */
export function assertNoFalseSharing(struct: Struct, options: FalseSharingOptions = {}): void {
  const found = falseSharing(struct, options);
  if (found.length > 0) throw new FalseSharingError(found);
}

function place(struct: Struct, field: PlacedField, element: number): SharedField {
  const offsetBytes = element * struct.bytes + field.offsetBytes;
  return { name: field.name, hot: field.hot ?? '', element, offsetBytes };
}

/** The first line that both ranges touch, or -1. */
function commonLine(a: number, aBytes: number, b: number, bBytes: number, lineBytes: number): number {
  const first = Math.max(Math.floor(a / lineBytes), Math.floor(b / lineBytes));
  const last = Math.min(Math.floor((a + aBytes - 1) / lineBytes), Math.floor((b + bBytes - 1) / lineBytes));
  return first <= last ? first : -1;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function say({ struct, first, second, line, lineBytes }: FalseSharing): string {
  const elements = first.element !== second.element;
  const name = (field: SharedField): string =>
    `${elements ? `[${field.element}].` : ''}${field.name} (hot '${field.hot}', at byte ${field.offsetBytes})`;
  return (
    `${struct}: ${name(first)} and ${name(second)} share line ${line}, ` +
    `bytes ${line * lineBytes} to ${(line + 1) * lineBytes - 1}, expected lines of ${lineBytes} bytes of their own`
  );
}
