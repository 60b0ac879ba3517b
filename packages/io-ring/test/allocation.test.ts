/** What operations leave to the collector. */
import fs from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expectZeroAllocation } from '@corelane/memory-tracker';
import { describe, expect, onTestFinished, test } from 'vitest';
import { IoBatch, IoFile } from '../src/index.ts';
import { fileOf, pattern, ringOf, shared } from './files.ts';
import { native } from './native-mode.ts';
import { poolOf } from './pools.ts';

const PAGE_BYTES = 4096;
const RUN = 16;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe.runIf(native)('a batch allocates nothing', () => {
  const memory = shared(RUN * PAGE_BYTES);
  const views = Array.from({ length: RUN }, (_, index) =>
    memory.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES),
  );

  for (const how of ['memory and files registered', 'neither registered'])
    test(`staging and running, ${how}`, () => {
      const fd = fs.openSync(fileOf(pattern(RUN * PAGE_BYTES)), 'r+');
      onTestFinished(() => fs.closeSync(fd));
      using batch = IoBatch.open(how === 'neither registered' ? {} : { memory, files: [fd] });
      expectZeroAllocation(
        () => {
          for (let index = 0; index < RUN; index++) {
            batch.read(fd, views[index] as Uint8Array, index * PAGE_BYTES);
            if (index % 2 === 0) batch.link();
          }
          batch.sync(fd);
          batch.readv(fd, views, 0);
          batch.write(fd, views[0] as Uint8Array, 0);
          if (batch.run() !== RUN + 3) throw new Error(`a run failed: ${batch.results.join(' ')}`);
        },
        { iterations: 200, maxBytes: 0.1 },
      );
      expect(memory.subarray(0, 1000)).toEqual(pattern(1000));
    });
});

test('a thousand promises leave nothing behind, and take a bounded amount on the way', async () => {
  const ring = ringOf();
  await using file = await IoFile.open(ring, fileOf(pattern(PAGE_BYTES)));
  const memory = shared(PAGE_BYTES);
  const lease = await poolOf().acquire();
  const { signal } = new AbortController();
  const rounds = async (count: number): Promise<void> => {
    for (let round = 0; round < count; round++) {
      const many = Array.from({ length: 50 }, () => file.read(memory, { position: 0, signal }));
      many.push(file.read(lease, { position: 0, timeoutMs: 60_000 }));
      // eslint-disable-next-line no-await-in-loop -- rounds
      await Promise.all(many);
    }
  };
  await rounds(100);
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  await rounds(200);
  expect(used() - before).toBeLessThan(200_000); // 20 bytes for each of 10 200 operations
  // Without a collection, for it is the young ones that count: less than 4 KiB each, with its promise, its listener and its options.
  const samples: number[] = [];
  for (let sample = 0; sample < 9; sample++) {
    const start = process.memoryUsage().heapUsed;
    // eslint-disable-next-line no-await-in-loop -- one after the other
    await rounds(2);
    samples.push((process.memoryUsage().heapUsed - start) / 102);
  }
  expect(samples.toSorted((a, b) => a - b)[4]).toBeLessThan(4096);
  lease.release();
});
