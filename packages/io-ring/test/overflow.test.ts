/** More completions than there is room for: none is lost, none comes twice, and none is held back. */
import fs from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { IoFile } from '../src/index.ts';
import { DONE, DONE_WORDS, FACTS, FACTS_WORDS, OP, SETUP, STAGE, STAGE_WORDS } from '../src/layout.ts';
import { loadNative, type NativeAddon } from '../src/native.ts';
import { pipe, pipePath, ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

const EAGAIN = -11;

function words(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}

test('hundreds of reads that are made ready at once, on a ring of one entry, get one byte each', async ({
  skip,
}) => {
  if (!native) skip('a read of an empty pipe keeps a thread of libuv’s');
  const ring = ringOf({ entries: 1 });
  const files = await Promise.all(Array.from({ length: 8 }, () => IoFile.open(ring, pipePath(), 'r+')));
  const memory = shared(800);
  const reads = Array.from({ length: 800 }, (_, index) =>
    (files[index % 8] as IoFile).read(memory.subarray(index, index + 1)),
  );
  await turn();
  expect(ring.stats).toMatchObject({ inFlight: 2, waiting: 798 });
  for (const [index, file] of files.entries())
    fs.writeSync(file.fd, String.fromCodePoint(0x61 + index).repeat(100));
  expect((await Promise.all(reads)).every((bytes) => bytes === 1)).toBe(true);
  expect(Buffer.from(memory).toString()).toBe('abcdefgh'.repeat(100));
  expect(ring.stats).toMatchObject({ inFlight: 0, waiting: 0, completed: 808, failed: 0 });
  await Promise.all(files.map((file) => file.close()));
});

describe.runIf(native)('the addon', () => {
  const addon = (loadNative().addon ?? {}) as NativeAddon;

  test('takes no more operations than completions have room, and hands those on as the view has room', async () => {
    const ring = addon.openRing(4, 8, SETUP.clamp | SETUP.singleIssuer);
    onTestFinished(() => void addon.closeRing(ring));
    const [staged, done] = [words(4 * STAGE_WORDS), words(1 * DONE_WORDS)];
    addon.bindQueues(ring, staged, done);
    const memory = shared(8);
    const region = addon.addRegion(ring, memory);
    const seen: [number, number][] = [];
    addon.watchRing(ring, (count) => {
      expect(count).toBe(1); // the view has one record
      seen.push([done[DONE.id] as number, done[DONE.result] as number]);
    });
    addon.holdLoop(ring, 1);
    const fd = pipe();
    const stage = (id: number): number => {
      staged.fill(0);
      const record = { opcode: OP.read, fd, id, region, offset: id % 8, length: 1 };
      for (const [name, value] of Object.entries(record)) staged[STAGE[name as keyof typeof STAGE]] = value;
      return addon.submit(ring, 1);
    };
    const taken = Array.from({ length: 10 }, (_, id) => stage(id));
    expect(taken).toEqual([1, 1, 1, 1, 1, 1, 1, 1, EAGAIN, EAGAIN]);
    fs.writeSync(fd, 'x'.repeat(8));
    while (seen.length < 8) await turn();
    expect(seen.toSorted(([a], [b]) => a - b)).toEqual(Array.from({ length: 8 }, (_, id) => [id, 1]));
    const facts = words(FACTS_WORDS);
    addon.ringFacts(ring, facts);
    expect(facts[FACTS.inFlight]).toBe(0);
    expect(stage(8)).toBe(1);
    addon.holdLoop(ring, 0);
  });
});
