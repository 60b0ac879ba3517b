import { expect, test } from 'vitest';
import {
  ArgumentRangeError,
  atomic,
  bits,
  describe,
  guarded,
  immutable,
  root,
  struct,
} from '../src/index.ts';

const queue = root('test/queue', 2, {
  capacity: immutable('i32', { doc: 'slots' }),
  head: atomic('i64', {
    line: true,
    hot: 'consumers',
    writer: 'a consumer',
    reader: 'any | all',
    doc: 'next to take',
  }),
  note: guarded('the lock', 60, { doc: 'text' }),
});

test('a struct is printed as a map of its cache lines', () => {
  expect(describe(queue)).toBe(
    `test/queue v2 (root): 256 bytes in 4 lines of 64, aligned to 128
line  bytes    word  field             size        access               hot        written by  read by    holds
0     0-3      0     magic             i32         immutable                                              marks the start of an object
      4-7      1     layoutHash        i32         immutable                                              hash of the layout it was created with
      8-11     2     layoutVersion     i32         immutable                                              version of that layout
      12-15    3     lengthBytes       i32         immutable                                              bytes from here to the end of the object
      16-19    4     capacity          i32         immutable                                              slots
      20-63    5     (padding)         44 B
1     64-127   16    (padding)         64 B
2     128-135  32    head              i64         atomic               consumers  a consumer  any | all  next to take
      136-191  34    note              56 of 60 B  guarded by the lock                                    text
3     192-195  48    note (continued)  4 of 60 B   guarded by the lock                                    text
      196-255  49    (padding)         60 B`,
  );
});

test('and as a Markdown table, in lines of 128 bytes where asked', () => {
  const table = describe(queue, { format: 'markdown', lineBytes: 128 }).split('\n');
  expect(table[0]).toBe('**test/queue v2 (root): 256 bytes in 2 lines of 128, aligned to 128**');
  expect(table.slice(2, 4)).toEqual([
    '| line | bytes | word | field | size | access | hot | written by | read by | holds |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ]);
  expect(table).toContain(
    '| 1 | 128-135 | 32 | head | i64 | atomic | consumers | a consumer | any \\| all | next to take |',
  );
  expect(table.slice(4).map((row) => row.split(' | ')[0])).toEqual([
    '| 0',
    '| ',
    '| ',
    '| ',
    '| ',
    '| ',
    '| 1',
    '| ',
    '| ',
  ]);
});

test('columns that nothing fills are left out', () => {
  const plain = struct('test/plain', 1, { a: atomic('i32'), b: atomic(3) });
  expect(describe(plain)).toBe(
    `test/plain v1: 8 bytes in 1 lines of 64, aligned to 4
line  bytes  word  field      size  access
0     0-3    0     a          i32   atomic
      4-6    1     b          3 B   atomic
      7            (padding)  1 B`,
  );
});

test('a bit table is printed as a diagram of the word, highest bit first', () => {
  const word = bits('test/word', 64, { version: 8, flags: 24, open: 1, count: 31 });
  expect(describe(word)).toBe(
    `test/word: 64 bits
 63                           33 32     31                     8 7       0
+-------------------------------+------+------------------------+---------+
|             count             | open |          flags         | version |
+-------------------------------+------+------------------------+---------+
bits   field    width  half  shift  mask        one
33-63  count    31     high  1      0x7fffffff  0x2
32     open     1      high  0      0x1         0x1
8-31   flags    24     low   8      0xffffff    0x100
0-7    version  8      low   0      0xff        0x1`,
  );
});

test('and as a Markdown table', () => {
  expect(describe(bits('test/word', 32, { version: 8, rest: 24 }), { format: 'markdown' })).toBe(
    `**test/word: 32 bits**

| bits | field | width | shift | mask | one |
| --- | --- | --- | --- | --- | --- |
| 8-31 | rest | 24 | 8 | 0xffffff | 0x100 |
| 0-7 | version | 8 | 0 | 0xff | 0x1 |`,
  );
});

test.each([{ lineBytes: 0 }, { lineBytes: 100 }, { format: 'html' as never }])('refuses %o', (options) => {
  expect(() => describe(queue, options)).toThrow(ArgumentRangeError);
});
