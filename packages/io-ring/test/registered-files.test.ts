import fs from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { IoArgumentError, IoBatch, type IoBatchOptions } from '../src/index.ts';
import { fileOf, pattern, shared } from './files.ts';
import { native } from './native-mode.ts';

function batchOf(options: IoBatchOptions): IoBatch {
  const batch = IoBatch.open(options);
  onTestFinished(() => batch.close());
  return batch;
}

function descriptor(content: Uint8Array | string, flags = 'r'): number {
  const fd = fs.openSync(fileOf(content), flags);
  onTestFinished(() => fs.closeSync(fd));
  return fd;
}

test('reads find the file of their descriptor, whether it is registered or not', () => {
  const bytes = pattern(1000);
  const [first, second, other] = [descriptor('first'), descriptor(bytes), descriptor('other')];
  const batch = batchOf({ files: [first, second] });
  if (native) expect(batch.backend.reason).toContain('2 files registered');
  const memory = shared(300);
  const fds = [second, first, other, other, second, first];
  for (const [index, fd] of fds.entries()) batch.read(fd, memory.subarray(index * 5, index * 5 + 5), 0);
  expect(batch.run()).toBe(6);
  const start = Buffer.from(bytes.subarray(0, 5)).toString('latin1');
  expect(Buffer.from(memory.subarray(0, 30)).toString('latin1')).toBe(`${start}firstotherother${start}first`);
});

test('a registered file can be linked, and its short read breaks the chain', () => {
  const fd = descriptor('abc', 'r+');
  const batch = batchOf({ files: [fd] });
  const memory = shared(8);
  batch.read(fd, memory.subarray(0, 3), 0);
  batch.link();
  batch.sync(fd);
  batch.read(fd, memory.subarray(0, 8), 0);
  batch.link();
  batch.write(fd, memory.subarray(0, 1), 1);
  expect(batch.run()).toBe(3);
  expect([...batch.results.subarray(0, 4)]).toEqual([3, 0, 3, -125]);
});

test('a descriptor that is none is not registered, which is said, and fails where it is used', () => {
  const fd = descriptor('content');
  const none = 999_999; // not one that was closed: the ring itself would get its number
  const batch = batchOf({ files: [none, fd] });
  if (native) {
    expect(batch.backend.reason).toContain('1 file registered');
    expect(batch.backend.reason).toContain(`descriptor ${none} not registered (EBADF)`);
  }
  const memory = shared(8);
  batch.read(none, memory.subarray(0, 1), 0);
  batch.read(fd, memory.subarray(0, 1), 0);
  expect(batch.run()).toBe(1);
  expect([...batch.results.subarray(0, 2)]).toEqual([-9, 1]);
});

test('what is no list of descriptors is refused', () => {
  for (const files of [7, [1.5], [-1], ['1'], Array.from({ length: 65 }, () => 0)])
    expect(() => IoBatch.open({ files: files as number[] })).toThrow(IoArgumentError);
});
