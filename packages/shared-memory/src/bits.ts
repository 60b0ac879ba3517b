// Packed words. A bit table lists the fields from the lowest bit up by width; shift, mask and one follow from it. A 64-bit word
// is two i32 halves, and no field crosses the middle, so that kernels need no 64-bit arithmetic.
import { LayoutError } from './errors.ts';
import { FIELD_NAME } from './struct.ts';

export interface BitField {
  readonly name: string;
  /** Bits. */
  readonly width: number;
  /** Of the lowest bit, within its half. */
  readonly shift: number;
  /** Unshifted: `(half >>> shift) & mask` is the value, and the largest one. A field of 32 bits has -1, and is signed. */
  readonly mask: number;
  /** `1 << shift`: adding it to the half adds one to the field. */
  readonly one: number;
  /** Which 32 bits of the word: 0 the low half, 1 the high half. */
  readonly half: 0 | 1;
}

export interface Bits<F extends Readonly<Record<string, number>> = Readonly<Record<string, number>>> {
  readonly type: 'bits';
  readonly name: string;
  readonly width: 32 | 64;
  readonly field: { readonly [K in keyof F]: BitField };
  readonly fields: readonly BitField[];
}

/**
 * Declares a packed word, lowest field first.
 * @param widths bits of each field; they add up to `width`
 * @throws LayoutError where they do not, or where a field crosses bit 32
 */
export function bits<const F extends Readonly<Record<string, number>>>(
  name: string,
  width: 32 | 64,
  widths: F,
): Bits<F> {
  const fields: BitField[] = [];
  let bit = 0;
  for (const [key, size] of Object.entries(widths)) {
    // Object.entries puts keys like '0' first, whatever the declaration says.
    if (!FIELD_NAME.test(key))
      throw new LayoutError(`${name}: a field is named '${key}', expected an identifier`);
    if (!Number.isInteger(size) || size < 1 || size > 32)
      throw new LayoutError(`${name}.${key}: width is ${size} bits, expected 1 to 32`);
    const half = bit < 32 ? 0 : 1;
    if (half === 0 && bit + size > 32)
      throw new LayoutError(`${name}.${key}: bits ${bit} to ${bit + size - 1} cross the middle of the word`);
    const shift = bit & 31;
    const mask = size === 32 ? -1 : (1 << size) - 1;
    fields.push(Object.freeze({ name: key, width: size, shift, mask, one: 1 << shift, half }));
    bit += size;
  }
  if (bit !== width) throw new LayoutError(`${name}: its fields have ${bit} bits, expected ${width}`);
  return Object.freeze({
    type: 'bits',
    name,
    width,
    fields: Object.freeze(fields),
    field: Object.freeze(Object.fromEntries(fields.map((f) => [f.name, f]))) as Bits<F>['field'],
  });
}
