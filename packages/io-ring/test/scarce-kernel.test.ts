/** A kernel that takes a part of what it is given, in the midst of chains as well: every run ends, and says of each operation what became of it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from './child.ts';
import { native } from './native-mode.ts';

const PROGRAM = `
  setTimeout(() => process.exit(9), 20_000).unref();
  const fd = fs.openSync(process.execPath);
  const expected = Buffer.alloc(256);
  fs.readSync(fd, expected, 0, 256, 0);
  const COUNT = 64;
  const memory = shared(4 * COUNT);
  const tally = { whole: 0, cut: 0, other: 0, wrong: 0, miscounted: 0 };
  const note = (batch, succeeded) => {
    let good = 0;
    for (let index = 0; index < COUNT; index++) {
      const result = batch.results[index];
      const bytes = Buffer.from(memory.subarray(4 * index, 4 * index + 4));
      if (result === 4) {
        good++;
        if (!bytes.equals(expected.subarray(4 * index, 4 * index + 4))) tally.wrong++;
      }
      tally[result === 4 ? 'whole' : result === -125 ? 'cut' : 'other']++;
    }
    if (good !== succeeded) tally.miscounted++;
  };
  for (const entries of [4, 16]) {
    const batch = IoBatch.open({ entries });
    for (let round = 0; round < 100; round++) {
      memory.fill(0);
      for (let index = 0; index < COUNT; index++) {
        batch.read(fd, memory.subarray(4 * index, 4 * index + 4), 4 * index);
        if (index % 3 < 2 && index + 1 < COUNT) batch.link();
      }
      note(batch, round % 2 === 0 ? await batch.runAsync() : batch.run());
    }
    batch.close();
  }
  console.log(JSON.stringify(tally));`;

describe.runIf(native)('a kernel that lacks memory', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'io-ring-scarce-'));
  const library = path.join(folder, 'scarce-kernel.so');
  let compiled = false;
  beforeAll(() => {
    const source = path.join(import.meta.dirname, 'scarce-kernel.c');
    const args = ['-Wall', '-Wextra', '-Werror', '-O1', '-shared', '-fPIC', '-o', library, source, '-ldl'];
    compiled = spawnSync(process.env['CC'] ?? 'cc', args).status === 0;
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  test('batches end, with chains that were cut cancelled from there on', ({ skip }) => {
    if (!compiled) skip('no C compiler here');
    // Spaces separate libraries there: none of the folder's path may be in it.
    const preload = [process.env['LD_PRELOAD'] ?? '', `./${path.basename(library)}`].join(' ').trim();
    const there = ['sh', '-c', 'cd "$0" && exec env "$@"', folder];
    const found = runProgram(PROGRAM, [...there, `LD_PRELOAD=${preload}`]);
    expect(found).toMatchObject({ other: 0, wrong: 0, miscounted: 0 });
    const { whole, cut } = found as { whole: number; cut: number };
    expect(whole + cut).toBe(200 * 64);
    expect(whole).toBeGreaterThan(0);
    expect(cut).toBeGreaterThan(0);
  });
});
