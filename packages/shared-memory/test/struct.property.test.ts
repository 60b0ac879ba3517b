import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  alignUp,
  atomic,
  guarded,
  immutable,
  LayoutError,
  LINE_BYTES,
  ownerOnly,
  root,
  struct,
  type Field,
} from '../src/index.ts';

const kind = fc.oneof(fc.constantFrom<Field['kind']>('i32', 'i64', 'f64'), fc.integer({ min: 1, max: 300 }));
const field: fc.Arbitrary<Field> = fc
  .record({
    kind,
    line: fc.boolean(),
    access: fc.constantFrom('immutable', 'atomic', 'ownerOnly', 'guarded'),
  })
  .map(({ access, line, kind: of }) => {
    if (access === 'guarded') return guarded('a lock', of, { line });
    return { immutable, atomic, ownerOnly }[access as 'atomic'](of, { line });
  });
const fieldName = fc
  .stringMatching(/^[a-z][A-Za-z0-9]{0,7}$/)
  .filter((key) => !HEADER.includes(key) && !(key in Object.prototype));
const HEADER = ['magic', 'layoutHash', 'layoutVersion', 'lengthBytes'];
const fields = fc
  .uniqueArray(fc.tuple(fieldName, field), { maxLength: 12, selector: ([key]) => key })
  .map((entries): Record<string, Field> => Object.fromEntries(entries));
const sizeOf = (of: Field['kind']): number => (typeof of === 'number' ? of : of === 'i32' ? 4 : 8);
const alignOf = ({ kind: of, line }: Field): number =>
  line === true ? LINE_BYTES : typeof of === 'number' ? 4 : sizeOf(of);

describe.each([
  ['struct', struct],
  ['root', root],
] as const)('any %s', (what, make) => {
  test('has its fields in order, aligned, disjoint and within it', () => {
    fc.assert(
      fc.property(fields, (declared) => {
        const made = make('test/any', 1, declared);
        let end = 0;
        for (const { name, kind: of, offsetBytes, sizeBytes } of made.fields) {
          const placed = (made.offset as Record<string, number>)[name];
          expect(offsetBytes).toBe(placed);
          expect((made.word as Record<string, number>)[name]).toBe(offsetBytes / 4);
          expect(sizeBytes).toBe(sizeOf(of));
          expect(offsetBytes).toBeGreaterThanOrEqual(end);
          end = offsetBytes + sizeBytes;
        }
        expect(made.bytes).toBeGreaterThanOrEqual(end);
        expect(made.bytes % made.alignBytes).toBe(0);
        const keys = Object.keys(declared);
        expect(made.fields.map(({ name }) => name)).toEqual(what === 'root' ? [...HEADER, ...keys] : keys);
        for (const [key, of] of Object.entries(declared)) {
          expect((made.offset as Record<string, number>)[key]! % alignOf(of)).toBe(0);
          expect(made.alignBytes % alignOf(of)).toBe(0);
        }
      }),
    );
  });

  test('has no more padding than alignment asks for', () => {
    fc.assert(
      fc.property(fields, (declared) => {
        const made = make('test/any', 1, declared);
        let end = 0;
        for (const placed of made.fields) {
          expect(placed.offsetBytes).toBe(alignUp(end, alignOf(placed)));
          end = placed.offsetBytes + placed.sizeBytes;
        }
        expect(made.bytes).toBe(Math.max(alignUp(end, made.alignBytes), made.alignBytes));
      }),
    );
  });

  test('has a hash that a change of any field, of name or version changes', () => {
    fc.assert(
      fc.property(fields, fieldName, field, fc.nat(11), (declared, key, other, position) => {
        const { hash } = make('test/any', 1, declared);
        expect(make('test/any', 1, { ...declared }).hash).toBe(hash);
        expect(make('test/any', 2, declared).hash).not.toBe(hash);
        expect(make('test/other', 1, declared).hash).not.toBe(hash);
        const entries = Object.entries(declared);
        if (key in declared) return;
        expect(make('test/any', 1, { ...declared, [key]: other }).hash).not.toBe(hash);
        if (entries.length === 0) return;
        const at = position % entries.length;
        const renamed = Object.fromEntries(entries.map(([name, of], i) => [i === at ? key : name, of]));
        expect(make('test/any', 1, renamed).hash).not.toBe(hash);
        const access = entries[at]![1].access === 'atomic' ? immutable : atomic;
        const changed = Object.fromEntries(
          entries.map(([name, of], i) => [name, i === at ? access(of.kind, { line: of.line === true }) : of]),
        );
        expect(make('test/any', 1, changed).hash).not.toBe(hash);
      }),
    );
  });
});

test('a struct may ask for more alignment than its fields need, which is part of its hash', () => {
  const plain = struct('test/cell', 1, { a: atomic('i32') });
  const wide = struct('test/cell', 1, { a: atomic('i32') }, { alignBytes: 64 });
  expect([plain.bytes, plain.alignBytes]).toEqual([4, 4]);
  expect([wide.bytes, wide.alignBytes]).toEqual([64, 64]);
  expect(wide.hash).not.toBe(plain.hash);
});

test('a root is aligned to a line and begins with its header', () => {
  const made = root('test/root', 1, { a: atomic('i32') });
  expect(made.alignBytes).toBe(LINE_BYTES);
  expect(made.offset).toEqual({ magic: 0, layoutHash: 4, layoutVersion: 8, lengthBytes: 12, a: 16 });
  expect([made.root, plainRoot()]).toEqual([true, false]);
});

function plainRoot(): boolean {
  return struct('test/plain', 1, {}).root;
}

test.each([
  [
    'a size of 0',
    () => struct('test/x', 1, { a: atomic(0) }),
    'test/x.a: size is 0 bytes, expected a positive',
  ],
  ['half a byte', () => struct('test/x', 1, { a: atomic(1.5) }), 'size is 1.5 bytes'],
  ['version 0', () => struct('test/x', 0, {}), 'test/x: version is 0, expected an integer of at least 1'],
  ['version 1.5', () => struct('test/x', 1.5, {}), 'version is 1.5'],
  [
    'a field named by a number',
    () => struct('test/x', 1, { b: atomic('i32'), 1: atomic('i32') }),
    "named '1'",
  ],
  ['a second magic', () => root('test/x', 1, { magic: atomic('i32') }), 'test/x.magic: the header'],
  [
    'alignment 24',
    () => struct('test/x', 1, { a: atomic('i32') }, { alignBytes: 24 }),
    'alignment is 24, expected a power of two of at least 4',
  ],
  [
    'too little alignment',
    () => struct('test/x', 1, { a: atomic('i64') }, { alignBytes: 4 }),
    'alignment is 4, expected a power of two of at least 8',
  ],
  [
    'more than an arena holds',
    () => struct('test/x', 1, { a: atomic(2 ** 31) }),
    'expected at most 2147418112',
  ],
])('%s is a layout error', (_, make, message) => {
  expect(make).toThrow(LayoutError);
  expect(make).toThrow(message);
});
