import { Arena } from '@corelane/shared-memory';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { slotHead } from '../src/layout.ts';
import { tableOptions } from '../src/options.ts';
import { isThrown, readValue, takeValue, writeThrown, writeValue } from '../src/payload.ts';
import { bytesFor, SchedulerTable } from '../src/table.ts';

const options = tableOptions({ threads: 1, slots: 4, payloadBytes: 1 << 16 });
const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(options) }), options);
const SLOT = 2;

const through = (value: unknown): unknown => {
  writeValue(table, SLOT, value, 'arguments', 'test');
  const read = readValue(table, SLOT);
  expect(isThrown(table, SLOT)).toBe(false);
  expect(takeValue(table, SLOT)).toStrictEqual(read);
  expect(table.i32[table.slotWord(SLOT) + slotHead.word.block]).toBe(0);
  return read;
};

const numbers = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, NaN, Infinity));
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ unit: 'binary-ascii', maxLength: 400 }),
  fc.string({ maxLength: 60 }).map((s) => `${s}é`),
  fc.constantFrom('', 'a\ud800b', '\udfff', '日本語', 'x'.repeat(5000), 'ÿ'.repeat(300), 'Ā'.repeat(300)),
);
const twice = { again: [1, 'x'] };
const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;
const odd = fc.constantFrom<unknown>(
  [undefined],
  [1, , 3], // oxlint-disable-line no-sparse-arrays
  { a: undefined },
  { a: -0 },
  { a: ['x', -0] },
  ['x', -0],
  ['x', Infinity],
  { a: { b: NaN, c: '' } },
  { '1': 1, b: 2, '0': 3 },
  JSON.parse('{"__proto__": 1, "a": 2}'),
  JSON.parse('{"__proto__": {"a": "x"}}'),
  { first: twice, second: twice },
  cyclic,
  /regular/giu.exec('irregular'),
  Object.assign(['a'], { index: 1 }),
  new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'a'])]]),
  /a+/gi,
  new Error('message'),
  new TypeError('message', { cause: { a: 1 } }),
  Object(1),
  Object('text'),
  2n ** 63n,
  -(2n ** 63n),
  2n ** 200n,
  new Date(NaN),
  new Date(0),
  Object.create(null, { a: { value: 1, enumerable: true } }),
  { deep: { deep: { deep: { deep: [[[[['x']]]]] } } } },
  {
    get a() {
      return 1;
    },
  },
  Array.from({ length: 40 }, (_, i) => ({ i, text: 'x' })),
  Array.from({ length: 3000 }, (_, i) => i / 3),
);
const byteSequences = fc.oneof(
  fc.uint8Array({ maxLength: 1000 }),
  fc.int8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array({ maxLength: 100 }),
  fc.float64Array({ maxLength: 100 }),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
  fc.uint8Array().map((each) => new DataView(each.buffer)),
  fc.uint8Array({ maxLength: 2000 }).map((each) => each.buffer),
);
const records = fc.record({ x: numbers, y: numbers, 'long name': numbers });
const values = fc.oneof(
  numbers,
  text,
  byteSequences,
  odd,
  records,
  fc.array(numbers, { maxLength: 80 }),
  fc.constantFrom(undefined, null, true, false, []),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.object({ maxDepth: 2, maxKeys: 4 }),
  fc.jsonValue(),
  fc.object({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
  }),
);

describe('a payload', () => {
  test('comes out as it went in, as by structured clone', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(through(value)).toStrictEqual(structuredClone(value));
      }),
      { numRuns: 1000 },
    );
  });

  test('of bytes keeps its class, and is a copy', () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const copy = through(bytes) as Uint8Array;
    expect(copy).toStrictEqual(bytes);
    expect(copy.buffer).not.toBe(table.u8.buffer);
    expect(through(Buffer.from('abc'))).toStrictEqual(Buffer.from('abc'));
    through('overwritten');
    expect([...copy]).toEqual([1, 2, 3]);
    const nested = through({ deep: [new Uint8Array([9])] }) as { deep: Uint8Array[] };
    through('x'.repeat(500));
    expect([...nested.deep[0]!]).toEqual([9]);
  });

  test('that is thrown says so, whatever it is', () => {
    fc.assert(
      fc.property(values, (value) => {
        writeThrown(table, SLOT, value, 'test');
        expect(isThrown(table, SLOT)).toBe(true);
        expect(readValue(table, SLOT)).toStrictEqual(structuredClone(value));
      }),
    );
  });

  test('of an error fits, however long its parts are', () => {
    const part = fc.string({ unit: 'binary', maxLength: 3000 });
    const small = tableOptions({ threads: 1, slots: 4, payloadBytes: 1024, inlineBytes: 1024 });
    const full = SchedulerTable.create(Arena.create({ bytes: bytesFor(small) }), small);
    fc.assert(
      fc.property(part, part, part, part, (message, name, code, property) => {
        const error = Object.assign(new Error(message), { code, property });
        Object.defineProperty(error, 'name', { value: name });
        writeThrown(full, SLOT, error, 'test');
        const read = readValue(full, SLOT) as Error;
        expect(read).toBeInstanceOf(Error);
        const room = message.length + name.length + code.length + property.length < 100;
        if (room) expect(read).toMatchObject({ message, name, code, property });
        else expect(message.startsWith(read.message.slice(0, -1))).toBe(true);
      }),
    );
  });

  test('that was overwritten is an error, and nothing worse', () => {
    const word = table.slotWord(SLOT);
    fc.assert(
      fc.property(
        fc.nat(2 ** 14),
        fc.integer(),
        fc.integer(),
        fc.uint8Array({ maxLength: 64 }),
        (kind, length, block, bytes) => {
          through({ some: 'object' });
          table.u8.set(bytes, (word << 2) + slotHead.bytes);
          table.i32[word + slotHead.word.kind] = kind;
          table.i32[word + slotHead.word.lengthBytes] = length % 2 === 0 ? length : length % 300;
          table.i32[word + slotHead.word.block] = block % 3 === 0 ? block : 0;
          try {
            readValue(table, SLOT);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_CORRUPT_SLOT' });
          }
          table.i32[word + slotHead.word.block] = 0;
        },
      ),
    );
  });
});
