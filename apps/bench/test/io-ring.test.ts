import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Companion } from '../src/companion.ts';
import type { BenchDocument, CaseReport } from '../src/document.ts';
import { NotMeasurableError } from '../src/errors.ts';
import { RawProgram } from '../src/raw-program.ts';
import { BlockFile } from '../src/suites/io-ring/block-file.ts';
import {
  BLOCK_BYTES,
  BlockOrder,
  FILE_BLOCKS,
  allocate,
  isBlock,
  wordsOf,
  writeBlocks,
} from '../src/suites/io-ring/blocks.ts';
import { COPIES } from '../src/suites/io-ring/copy-tasks.ts';
import { PASSES } from '../src/suites/io-ring/pass-tasks.ts';
import { READERS } from '../src/suites/io-ring/random-tasks.ts';
import { runCommand, runCommandWith } from './run-bench.ts';

const QUICK = '--suite io-ring --quick --batch-ms 1 --warmup-ms 5 --json'.split(' ');
const onLinux = process.platform === 'linux';

function casesOf(stdout: string): { document: BenchDocument; cases: readonly CaseReport[] } {
  const document = JSON.parse(stdout) as BenchDocument;
  return { document, cases: document.suites.flatMap(({ groups }) => groups.flatMap((group) => group.cases)) };
}

describe('the suite io-ring', { timeout: 240_000 }, () => {
  test.each(['32', 'sequential', 'copy'])(
    'measures every case of %s, or says why this machine cannot',
    async (group) => {
      const { code, stdout, stderr } = await runCommand(...QUICK, '--group', group);
      expect(stderr).toBe('');
      const { document, cases } = casesOf(stdout);
      expect(document.verdict.reasons).toEqual([]);
      expect(code).toBe(0);
      for (const { name, unavailable, metrics, operations } of cases)
        if (unavailable === null)
          expect({ name, figures: Object.keys(metrics).length }).not.toMatchObject({ figures: 0 });
        else
          expect({ name, unavailable, operations }).toMatchObject({
            unavailable: expect.stringMatching(/.{10}/),
            operations: 0,
          });
      expect(cases.filter(({ role, unavailable }) => role === 'peer' && unavailable !== null)).toEqual([]);
    },
  );

  test('runs without the addon and without a compiler, and says so case by case', async () => {
    const { code, stdout } = await runCommandWith(
      { CORELANE_NO_NATIVE: '1', CC: '/nowhere/cc' },
      ...QUICK,
      '--group',
      'cached-32',
    );
    const { document, cases } = casesOf(stdout);
    expect(document.verdict.reasons).toEqual([]);
    expect(code).toBe(0);
    const reasonOf = (name: string): string | null | undefined =>
      cases.find((found) => found.name === name)?.unavailable;
    expect(reasonOf('IoFile.read()')).toMatch('CORELANE_NO_NATIVE=1');
    expect(reasonOf('IoBatch.run()')).toMatch('CORELANE_NO_NATIVE=1');
    expect(reasonOf('FileHandle.read()')).toBeNull();
    expect(reasonOf('C io_uring')).toMatch(
      onLinux ? 'no C compiler (looked for /nowhere/cc)' : 'those of Linux',
    );
  });
});

describe('the file of blocks', () => {
  test('every block is read once before one comes again', () => {
    const order = new BlockOrder();
    const seen = new Set(Array.from({ length: FILE_BLOCKS }, () => order.next()));
    expect(seen.size).toBe(FILE_BLOCKS);
  });

  test('a block that is another, or not whole, is not taken for it', () => {
    const words = wordsOf(allocate(2 * BLOCK_BYTES));
    writeBlocks(words, 7, 2);
    expect([isBlock(words, 0, 7), isBlock(words, 1, 8), isBlock(words, 1, 7)]).toEqual([true, true, false]);
    words[2 * (BLOCK_BYTES / 4) - 1] = 0;
    expect(isBlock(words, 1, 8)).toBe(false);
  });

  test('what is something else does not count, whoever reads or copies it', { timeout: 60_000 }, async () => {
    const file = new BlockFile();
    try {
      // Half of the blocks are spoilt.
      const fd = openSync(file.path, 'r+');
      for (let block = 0; block < FILE_BLOCKS; block += 2)
        writeSync(fd, new Uint8Array(4).fill(255), 0, 4, block * BLOCK_BYTES);
      closeSync(fd);
      const options = { path: file.path, depth: 4, direct: false, bytes: 0 };
      for (const [how, open] of Object.entries(READERS)) {
        let task;
        try {
          task = await open(options);
        } catch (error) {
          expect({ how, error }).toEqual({ how, error: expect.any(NotMeasurableError) });
          continue;
        }
        expect({ how, right: await task.run(1000) }).toEqual({ how, right: 500 });
        await task.close();
      }
      const pass = PASSES['pass-sync']({ ...options, bytes: 1 << 20 });
      expect(await pass.run(3)).toBe(0);
      await pass.close();
      const copying = COPIES['copy-file'](options);
      expect(await copying.run(1)).toBe(1);
      expect(copying.settle?.()).toBe(0);
      await copying.close();
    } finally {
      file.remove();
    }
    expect(existsSync(file.path)).toBe(false);
  });
});

describe('a companion', () => {
  const missing = '../test/nowhere';

  test('that ends says so to whoever waits for it', async () => {
    using companion = Companion.start(missing);
    await expect(companion.request({})).rejects.toThrow('the companion ended with 1');
    await expect(companion.request({})).rejects.toThrow('the companion ended with 1');
  });

  test('takes one request at a time, and passes on what goes wrong', async () => {
    using companion = Companion.start('suites/io-ring/task-process');
    const early = companion.request({ type: 'run', operations: 1 });
    await expect(companion.request({})).rejects.toThrow('one request at a time');
    await expect(early).rejects.toThrow('a run before the opening');
    const open = { type: 'open', how: 'promises', path: fileURLToPath(import.meta.url), depth: 1 };
    expect(await companion.request(open)).toBeNull();
    expect(await companion.request({ type: 'run', operations: 2 })).toMatchObject({
      successful: 0, // this file has no such blocks
      cpuNs: expect.any(Number),
    });
  });
});

describe.runIf(onLinux)('the other ends in C', () => {
  test('find what comes back wrong, and who does not answer', async () => {
    let program: RawProgram;
    try {
      program = RawProgram.start();
    } catch {
      return; // no compiler: the suite says so
    }
    using server = RawProgram.start();
    try {
      const { port } = await server.request<{ port: number }>('serve');
      await program.request(`echo-open ${port} 3 64`);
      expect(await program.run('echo', 100)).toMatchObject({ successful: 100, checksum: 5050 });
      await program.request('echo-close');
      await expect(program.request(`echo-open 1 1 64`)).rejects.toThrow('Connection refused');
      await expect(program.request(`uring-open 0 1 0 ${import.meta.filename}`)).rejects.toBeInstanceOf(
        NotMeasurableError,
      );
    } finally {
      program[Symbol.dispose]();
    }
  });
});
