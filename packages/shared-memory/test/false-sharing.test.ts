import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ArgumentRangeError,
  assertNoFalseSharing,
  atomic,
  falseSharing,
  FalseSharingError,
  immutable,
  ownerOnly,
  root,
  struct,
  type Field,
  type Struct,
} from '../src/index.ts';
import * as layout from '../src/layout.ts';

test('two fields that are hot for different threads and share 128 bytes fail, in names and numbers', () => {
  const ring = root('test/ring', 1, {
    head: atomic('i32', { line: true, hot: 'consumer' }),
    tail: atomic('i32', { hot: 'producer' }),
  });
  expect(() => assertNoFalseSharing(ring)).toThrow(
    new FalseSharingError([
      {
        struct: 'test/ring',
        first: { name: 'head', hot: 'consumer', element: 0, offsetBytes: 128 },
        second: { name: 'tail', hot: 'producer', element: 0, offsetBytes: 132 },
        line: 1,
        lineBytes: 128,
      },
    ]),
  );
  expect(() => assertNoFalseSharing(ring)).toThrow(
    "test/ring: head (hot 'consumer', at byte 128) and tail (hot 'producer', at byte 132) share line 1, bytes 128 to 255, " +
      'expected lines of 128 bytes of their own',
  );
});

test('lines of their own pass', () => {
  const ring = root('test/ring', 1, {
    head: atomic('i32', { line: true, hot: 'consumer' }),
    tail: atomic('i32', { line: true, hot: 'producer' }),
  });
  expect(falseSharing(ring)).toEqual([]);
  expect(() => assertNoFalseSharing(ring)).not.toThrow();
});

test('fields of one hot name, and fields that are not hot, may share', () => {
  const pair = root('test/pair', 1, {
    sequence: atomic('i32', { hot: 'parker' }),
    waiters: atomic('i32', { hot: 'parker' }),
    size: immutable('i32'),
    other: atomic('i32'),
  });
  expect(falseSharing(pair)).toEqual([]);
});

test('64 bytes apart is enough for lines of 64 bytes only', () => {
  const ring = root('test/ring', 1, {
    head: atomic('i32', { line: true, hot: 'consumer' }),
    gap: immutable(60),
    tail: atomic('i32', { hot: 'producer' }),
  });
  expect(falseSharing(ring, { lineBytes: 64 })).toEqual([]);
  expect(falseSharing(ring)).toHaveLength(1);
});

test('a field that reaches into the next line shares that one too', () => {
  const wide = root('test/wide', 1, {
    block: atomic(160, { line: true, hot: 'a' }),
    next: atomic('i32', { hot: 'b' }),
  });
  expect(falseSharing(wide)).toMatchObject([
    { line: 2, first: { offsetBytes: 128 }, second: { offsetBytes: 288 } },
  ]);
});

test('elements of an array share a line where their stride is no multiple of it', () => {
  const cell = struct('test/cell', 1, { count: ownerOnly('i64', { hot: 'owner' }) });
  expect(() => assertNoFalseSharing(cell)).toThrow(
    "test/cell: [0].count (hot 'owner', at byte 0) and [1].count (hot 'owner', at byte 8) share line 0",
  );
  const aligned = struct('test/cell', 1, { count: ownerOnly('i64', { hot: 'owner' }) }, { alignBytes: 128 });
  expect(falseSharing(aligned)).toEqual([]);
  expect(falseSharing(cell, { isElement: false })).toEqual([]);
});

test('an array whose elements meet on a line only now and then is found out', () => {
  // 96 bytes: elements 0 and 1 use bytes 0 and 96 of line 0.
  const cell = struct('test/cell', 1, { count: ownerOnly('i32', { hot: 'owner' }), rest: immutable(92) });
  expect(falseSharing(cell, { lineBytes: 64 })).toEqual([]);
  expect(falseSharing(cell)).toHaveLength(1);
  // 136 bytes, hot at both ends: an element begins on the line on which the one before it ends.
  const late = struct('test/late', 1, {
    first: ownerOnly('i64', { hot: 'owner' }),
    rest: immutable(120),
    last: ownerOnly('i64', { hot: 'owner' }),
  });
  expect(falseSharing(late)).toMatchObject([{ first: { name: 'last' }, second: { name: 'first' } }]);
});

test('fields that are apart in the first element, but not in one that begins within a line, are found out', () => {
  const cell = struct('test/cell', 1, {
    a: ownerOnly('i32', { hot: 'a' }),
    gap: immutable(124),
    b: ownerOnly('i32', { hot: 'b' }),
    rest: immutable(60),
  });
  expect(falseSharing(cell, { isElement: false })).toEqual([]);
  expect(falseSharing(cell).map(({ first, second }) => [first.element, second.element])).toContainEqual([
    0, 1,
  ]);
  const spread = struct('test/spread', 1, {
    gap: immutable(124),
    a: ownerOnly('i32', { hot: 'a' }),
    b: ownerOnly('i32', { hot: 'b' }),
    rest: immutable(188),
  });
  expect(falseSharing(spread, { isElement: false })).toEqual([]);
  expect(falseSharing(spread)).toMatchObject([
    { first: { name: 'a', element: 1 }, second: { name: 'b', element: 1 }, line: 3 },
  ]);
});

test('agrees with a search of every byte of a long array', () => {
  const field = fc.record({
    kind: fc.constantFrom<Field['kind']>('i32', 'i64', 12, 60, 124, 128, 200),
    hot: fc.constantFrom(undefined, 'a', 'b'),
    line: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(field, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(64, 128),
      fc.boolean(),
      (fields, lineBytes, isElement) => {
        const made = struct(
          'test/any',
          1,
          Object.fromEntries(
            fields.map(({ kind, hot, line }, i) => [
              `f${i}`,
              atomic(kind, hot === undefined ? { line } : { line, hot }),
            ]),
          ),
        );
        expect(falseSharing(made, { lineBytes, isElement }).length > 0).toBe(
          searchBytes(made, lineBytes, isElement ? 70 : 1),
        );
      },
    ),
    { numRuns: 1000 },
  );
});

/** Does a line hold bytes of hot fields of two elements, or of two hot names? */
function searchBytes(layout_: Struct, lineBytes: number, elements: number): boolean {
  const users = new Map<number, string>();
  for (let element = 0; element < elements; element++)
    for (const { hot, offsetBytes, sizeBytes } of layout_.fields) {
      if (hot === undefined) continue;
      for (let byte = 0; byte < sizeBytes; byte++) {
        const line = Math.floor((element * layout_.bytes + offsetBytes + byte) / lineBytes);
        const user = `${element} ${hot}`;
        if ((users.get(line) ?? user) !== user) return true;
        users.set(line, user);
      }
    }
  return false;
}

test.each(Object.values(layout).filter((value) => typeof value === 'object'))(
  'layouts of this package keep independent hot fields apart: $name',
  (made) => {
    // Parts of larger objects stand alone on their lines.
    expect(() => assertNoFalseSharing(made, { isElement: false })).not.toThrow();
  },
);

test('lines of 100 bytes are refused', () => {
  expect(() => falseSharing(layout.parkerRoot, { lineBytes: 100 })).toThrow(ArgumentRangeError);
});
