/** Closing a file while operations of it are under way or in line: its slot and its number may be another's a moment later. */
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { IoFile, IoRing } from '../src/index.ts';
import { fileOf, pattern, pipePath, ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

test('what waits in line when its file is closed goes to that file, and to no other that is opened meanwhile', async () => {
  const ring = ringOf({ entries: 1 });
  const [mine, others] = [fileOf(''), fileOf('others')];
  const file = await IoFile.open(ring, mine, 'r+');
  const memory = shared(8);
  memory.set(Buffer.from('mine'));
  const opening = IoFile.open(ring, others, 'r+');
  const writes = Array.from({ length: 32 }, (_, index) =>
    file.write(memory.subarray(0, 4), { position: index * 4 }),
  );
  const closing = file.close();
  await using other = await opening;
  expect(await Promise.all(writes)).toEqual(writes.map(() => 4));
  await closing;
  expect(fs.readFileSync(others, 'utf8')).toBe('others');
  expect(fs.readFileSync(mine, 'utf8')).toBe('mine'.repeat(32));
  expect((await other.stat()).sizeBytes).toBe(6);
});

test('a transfer in several steps ends in the file that it began in, which is closed afterwards', async () => {
  const name = pipePath();
  const reader = fs.openSync(name, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  const file = await IoFile.open(ringOf(), name, fs.constants.O_WRONLY);
  const memory = shared(1 << 18); // four times what a pipe takes
  memory.set(pattern(memory.length));
  const write = file.write(memory);
  const closing = file.close();
  await expect(file.write(memory)).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
  for (let turns = 0; turns < 10; turns++) await turn(); // the first step is over, and the next waits
  const impostor = fs.openSync(fileOf(''), 'w'); // would get the number of a descriptor that was closed
  expect(impostor).not.toBe(file.fd);
  const found = Buffer.alloc(memory.length);
  for (let at = 0; at < found.length; await turn())
    try {
      at += fs.readSync(reader, found, at, found.length - at, null);
    } catch (error) {
      expect(error).toMatchObject({ code: 'EAGAIN' });
    }
  expect(await write).toBe(memory.length);
  expect(found.equals(memory)).toBe(true);
  await closing;
  expect(() => fs.fstatSync(file.fd)).toThrow('EBADF');
  expect(fs.fstatSync(impostor).size).toBe(0);
  fs.closeSync(impostor);
  fs.closeSync(reader);
});

test('closing a pipe ends the reads of it that wait, and writes go through', async () => {
  const ring = ringOf({ entries: 2 });
  const name = pipePath();
  const file = await IoFile.open(ring, name, 'r+');
  const other = fs.openSync(name, 'r+'); // keeps what was written
  const memory = shared(100);
  const reads = Array.from({ length: native ? 10 : 2 }, (_, index) =>
    file.read(memory.subarray(index, index + 1)),
  );
  await turn();
  const settled = Promise.allSettled(reads);
  const closing = file.close();
  if (!native) fs.writeSync(other, 'ab'); // two threads have begun
  const closed = { reason: { code: 'ERR_RING_CLOSED', message: 'the file is closed' } };
  for (const outcome of await settled) expect(outcome).toMatchObject(native ? closed : { value: 1 });
  await closing;
  const writing = await IoFile.open(ring, name, 'r+');
  const write = writing.write(memory.subarray(0, 5));
  await writing.close();
  expect(await write).toBe(5);
  expect(fs.readSync(other, Buffer.alloc(10))).toBe(5);
  fs.closeSync(other);
});

test('a ring that is closed goes on with no transfer that came short', async () => {
  const ring = IoRing.open({ entries: 1 });
  const file = await IoFile.open(ring, pipePath(), 'r+');
  const read = file.read(shared(6));
  await turn();
  const settled = Promise.allSettled([read]);
  const closing = ring.close();
  if (!native) fs.writeSync(file.fd, 'abc');
  await closing;
  expect(await settled).toMatchObject([{ reason: { code: 'ERR_RING_CLOSED' } }]);
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0 });
  await file.close();
});
