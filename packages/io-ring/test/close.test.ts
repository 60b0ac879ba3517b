/** Closing a file while operations of it are under way or in line: its slot and its number may be another's a moment later. */
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { IoFile } from '../src/index.ts';
import { fileOf, pattern, pipePath, ringOf, shared, turn } from './files.ts';

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
  const ring = ringOf();
  await using pipe = await IoFile.open(ring, pipePath(), 'r+');
  const file = await IoFile.open(ring, `/proc/self/fd/${pipe.fd}`, 'r');
  const memory = shared(6);
  const read = file.read(memory);
  fs.writeSync(pipe.fd, 'abc');
  const closing = file.close();
  await expect(file.read(memory)).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
  for (let turns = 0; turns < 10; turns++) await turn(); // the first step is over, and the second waits
  const impostor = fs.openSync(fileOf(pattern(100)), 'r'); // would get the number of a descriptor that was closed
  fs.writeSync(pipe.fd, 'def');
  expect(await read).toBe(6);
  expect(Buffer.from(memory).toString()).toBe('abcdef');
  await closing;
  expect(impostor).not.toBe(file.fd);
  expect(() => fs.fstatSync(file.fd)).toThrow('EBADF');
  fs.closeSync(impostor);
});
