import { Arena } from '@corelane/shared-memory';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { slotHead } from '../src/layout.ts';
import { tableOptions } from '../src/options.ts';
import { isThrown, readValue, writeThrown, writeValue } from '../src/payload.ts';
import { SchedulerTable } from '../src/table.ts';

const options = tableOptions({ threads: 1, slots: 4, payloadBytes: 1024 });
const table = SchedulerTable.create(Arena.create({ bytes: 4 << 20 }), options);
const SLOT = 2;

const through = (value: unknown): unknown => {
  writeValue(table, SLOT, value, 'arguments', 'test');
  const read = readValue(table, SLOT);
  expect(isThrown(table, SLOT)).toBe(false);
  return read;
};

const numbers = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, NaN, Infinity));
const values = fc.oneof(
  numbers,
  fc.array(numbers, { maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.constantFrom(undefined, null, true, false, '', 'a\ud800b', [], [undefined]),
  fc.uint8Array({ maxLength: 100 }),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.float32Array({ maxLength: 20 }),
  fc.object({ maxDepth: 2, maxKeys: 4 }),
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
    const text = fc.string({ unit: 'binary', maxLength: 3000 });
    fc.assert(
      fc.property(text, text, text, text, (message, name, code, property) => {
        const error = Object.assign(new Error(message), { code, property });
        Object.defineProperty(error, 'name', { value: name });
        writeThrown(table, SLOT, error, 'test');
        const read = readValue(table, SLOT) as Error;
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
      fc.property(fc.integer(), fc.integer(), fc.uint8Array({ maxLength: 64 }), (kind, length, bytes) => {
        through({ some: 'object' });
        table.u8.set(bytes, (word << 2) + slotHead.bytes);
        table.i32[word + slotHead.word.kind] = kind % 20;
        table.i32[word + slotHead.word.lengthBytes] = length;
        try {
          readValue(table, SLOT);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_CORRUPT_SLOT' });
        }
      }),
    );
  });
});
