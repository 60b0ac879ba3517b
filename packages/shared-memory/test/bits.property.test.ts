import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bits, LayoutError, type BitField } from '../src/index.ts';

/** Widths that fill a half of 32 bits. */
const half = fc.array(fc.integer({ min: 1, max: 32 }), { minLength: 1, maxLength: 12 }).map((widths) => {
  const taken: number[] = [];
  let left = 32;
  for (const width of widths) {
    if (width > left) break;
    taken.push(width);
    left -= width;
  }
  return left > 0 ? [...taken, left] : taken;
});
const named = (widths: readonly number[]): Record<string, number> =>
  Object.fromEntries(widths.map((width, i) => [`f${i}`, width]));
const largest = ({ width }: BitField): bigint => (1n << BigInt(width)) - 1n;

const read = (word: Int32Array, { half: at, shift, mask }: BitField): number =>
  ((word[at]! >>> shift) & mask) >>> 0;
function write(word: Int32Array, { half: at, shift, mask }: BitField, value: number): void {
  word[at] = (word[at]! & ~(mask << shift)) | ((value & mask) << shift);
}

test('fields lie from the lowest bit up, side by side, each in one half', () => {
  fc.assert(
    fc.property(half, half, fc.boolean(), (low, high, isWide) => {
      const widths = isWide ? [...low, ...high] : low;
      const word = bits('test/word', isWide ? 64 : 32, named(widths));
      let bit = 0;
      for (const [i, field] of word.fields.entries()) {
        expect(field).toMatchObject({ name: `f${i}`, width: widths[i] });
        expect(field.half * 32 + field.shift).toBe(bit);
        expect(field.shift + field.width).toBeLessThanOrEqual(32);
        expect(BigInt(field.mask >>> 0)).toBe(largest(field));
        expect(field.one >>> 0).toBe(2 ** field.shift);
        expect(word.field[`f${i}`]).toBe(field);
        bit += field.width;
      }
      expect(bit).toBe(word.width);
    }),
  );
});

test('what is written to a field is read from it, and no other field changes', () => {
  fc.assert(
    fc.property(
      half,
      half,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 ** 32 - 1 }))),
      (low, high, writes) => {
        const { fields } = bits('test/word', 64, named([...low, ...high]));
        const word = new Int32Array(2);
        const expected = fields.map(() => 0);
        for (const [which, value] of writes) {
          const i = which % fields.length;
          const fitting = Number(BigInt(value) & largest(fields[i]!));
          write(word, fields[i]!, fitting);
          expected[i] = fitting;
          expect(fields.map((field) => read(word, field))).toEqual(expected);
        }
      },
    ),
  );
});

test('adding `one` adds one to the field, up to its mask', () => {
  fc.assert(
    fc.property(half, fc.nat(), (widths, which) => {
      const { fields } = bits('test/word', 32, named(widths));
      const field = fields[which % fields.length]!;
      const word = new Int32Array(2);
      const most = Math.min(Number(largest(field)), 20);
      for (let count = 1; count <= most; count++) {
        word[0] = word[0]! + field.one;
        expect(read(word, field)).toBe(count);
      }
    }),
  );
});

test.each([
  [
    'too few bits',
    () => bits('test/w', 64, { a: 32, b: 16 }),
    'test/w: its fields have 48 bits, expected 64',
  ],
  [
    'too many bits',
    () => bits('test/w', 32, { a: 32, b: 1 }),
    'test/w: its fields have 33 bits, expected 32',
  ],
  [
    'a field across the middle',
    () => bits('test/w', 64, { a: 30, b: 4, c: 30 }),
    'test/w.b: bits 30 to 33 cross',
  ],
  [
    'a field of no bits',
    () => bits('test/w', 32, { a: 0, b: 32 }),
    'test/w.a: width is 0 bits, expected 1 to 32',
  ],
  ['a field of 33 bits', () => bits('test/w', 64, { a: 31, b: 33 }), 'test/w.b: width is 33 bits'],
  ['half a bit', () => bits('test/w', 32, { a: 31.5, b: 0.5 }), 'width is 31.5 bits'],
  ['a field named by a number', () => bits('test/w', 32, { b: 31, 0: 1 }), "test/w: a field is named '0'"],
])('%s is a layout error', (_, make, message) => {
  expect(make).toThrow(LayoutError);
  expect(make).toThrow(message);
});
