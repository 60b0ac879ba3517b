import fs from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { IoBatch, type IoBatchOptions } from '../src/index.ts';
import { fileOf, folder, pattern, shared } from './files.ts';
import { native } from './native-mode.ts';

function batchOf(options: IoBatchOptions = {}): IoBatch {
  const batch = IoBatch.open(options);
  onTestFinished(() => batch.close());
  return batch;
}

function descriptor(name: string, flags = 'r'): number {
  const fd = fs.openSync(name, flags);
  onTestFinished(() => fs.closeSync(fd));
  return fd;
}

/** `count` neighbouring views of `bytes` each. */
function parts(memory: Uint8Array, at: number, count: number, bytes: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) =>
    memory.subarray(at + index * bytes, at + (index + 1) * bytes),
  );
}

for (const [way, run] of [
  ['run', async (batch: IoBatch) => batch.run()],
  ['runAsync', (batch: IoBatch) => batch.runAsync()],
] as const) {
  test(`${way}: views are filled one after the other, more of them than are handed over at once`, async () => {
    const bytes = pattern(1 << 16);
    const fd = descriptor(fileOf(bytes));
    const memory = shared(64 * 1024);
    const batch = batchOf({ entries: 8, vectors: 64 * 256 });
    for (let round = 0; round < 3; round++) {
      memory.fill(0);
      // 8 at once have twice the vectors that the addon hands over in one call
      for (let index = 0; index < 64; index++)
        expect(batch.readv(fd, parts(memory, index * 1024, 256, 4), index * 1000)).toBe(index);
      expect(await run(batch)).toBe(64);
      for (let index = 0; index < 64; index++) {
        expect(batch.results[index]).toBe(1024);
        const found = memory.subarray(index * 1024, (index + 1) * 1024);
        expect(Buffer.compare(found, bytes.subarray(index * 1000, index * 1000 + 1024))).toBe(0);
      }
    }
  });

  test(`${way}: writes in a chain go in order, and a short one breaks it`, async () => {
    const name = path.join(folder(), 'log');
    const fd = descriptor(name, 'w+');
    const memory = shared(20);
    memory.set(Buffer.from('abcdefghij'));
    const batch = batchOf();
    batch.writev(fd, [memory.subarray(0, 3), memory.subarray(5, 7)], 0);
    batch.link();
    batch.readv(fd, [memory.subarray(10, 13), memory.subarray(13, 19)], 0); // 5 of 9
    batch.link();
    batch.writev(fd, [memory.subarray(0, 1)], 100);
    batch.read(descriptor(fileOf('x')), memory.subarray(9, 10), 0);
    expect(await run(batch)).toBe(3);
    expect([...batch.results.subarray(0, 4)]).toEqual([5, 5, -125, 1]);
    expect(fs.readFileSync(name, 'utf8')).toBe('abcfg');
    expect(Buffer.from(memory.subarray(10, 15)).toString()).toBe('abcfg');
  });

  test(`${way}: a chain with more vectors than the addon takes at once fails with E2BIG on io_uring`, async () => {
    const fd = descriptor(fileOf('abc'));
    const memory = shared(256);
    const batch = batchOf();
    for (let step = 0; step < 5; step++) {
      batch.readv(fd, parts(memory, 0, 256, 0), 0);
      batch.link();
    }
    batch.read(fd, memory.subarray(0, 3), 0);
    batch.read(fd, memory.subarray(0, 3), 0);
    expect(await run(batch)).toBe(native ? 1 : 7);
    expect([...batch.results.subarray(0, 7)]).toEqual(
      native ? [-7, -7, -7, -7, -7, -7, 3] : [0, 0, 0, 0, 0, 3, 3],
    );
  });
}

test('views beyond the limit, and what are none, are refused, and what was staged stays', () => {
  const fd = descriptor(fileOf(pattern(100)));
  const memory = shared(8);
  const batch = batchOf({ vectors: 4 });
  batch.readv(fd, parts(memory, 0, 3, 1), 0);
  expect(() => batch.readv(fd, parts(memory, 0, 2, 1), 0)).toThrow(
    'views is 5, expected at most 4 in one run',
  );
  expect(() => batch.readv(fd, [], 0)).toThrow('views.length is 0, expected 1 to 256');
  expect(() => batch.readv(fd, parts(memory, 0, 257, 0), 0)).toThrow('views.length is 257');
  expect(() => batch.readv(fd, 7 as unknown as Uint8Array[], 0)).toThrow('views.length is undefined');
  expect(() => batch.readv(fd, [new Uint8Array(1)], 0)).toThrow(
    expect.objectContaining({ code: 'ERR_IO_MEMORY' }),
  );
  expect(() => IoBatch.open({ vectors: 0 })).toThrow('vectors is 0');
  expect(batch.run()).toBe(1);
  expect([...memory]).toEqual([...pattern(3), 0, 0, 0, 0, 0]);
  batch.readv(fd, parts(memory, 0, 4, 1), 4); // all are free again
  expect(batch.run()).toBe(1);
});
