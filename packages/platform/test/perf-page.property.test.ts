import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { compileProgram } from './compiled.ts';

vi.setConfig({ testTimeout: 30_000 });

const program = compileProgram('perf-page.c');
afterAll(() => {
  program?.remove();
});

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const u32 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
const RDPMC = 4n;
const TIME = 8n;
const SHORT = 32n;
const EAGAIN = -11;
const EOPNOTSUPP = -95;

/** Runs the commands in test/perf-page.c, and answers a line for each. */
function run(commands: readonly string[]): string[] {
  const stdout = execFileSync(program?.file ?? '', { input: `${commands.join('\n')}\n`, encoding: 'utf8' });
  return stdout.trim().split('\n');
}

/** Sends all cases in one run: a process for each would take minutes. */
function all<T>(cases: fc.Arbitrary<T>, command: (value: T) => string): { value: T; answer: string }[] {
  const values = fc.sample(cases, 2000);
  const answers = run(values.map(command));
  expect(answers).toHaveLength(values.length);
  return values.map((value, i) => ({ value, answer: answers[i] ?? '' }));
}

interface Page {
  lock: bigint;
  index: bigint;
  offset: bigint;
  enabled: bigint;
  running: bigint;
  caps: bigint;
  width: bigint;
  shift: bigint;
  mult: bigint;
  timeOffset: bigint;
  timeCycles: bigint;
  timeMask: bigint;
  counter: bigint;
  clock: bigint;
  writes: bigint;
}

const calm: Page = {
  lock: 2n,
  index: 3n,
  offset: 5000n,
  enabled: 700n,
  running: 700n,
  caps: RDPMC + TIME,
  width: 48n,
  shift: 0n,
  mult: 1n,
  timeOffset: 0n,
  timeCycles: 0n,
  timeMask: 0n,
  counter: 90n,
  clock: 0n,
  writes: 0n,
};

function read(changes: Partial<Page>): {
  result: number;
  enabled: bigint;
  running: bigint;
  count: bigint;
  reads: number;
} {
  const page = { ...calm, ...changes };
  const [line = ''] = run([`page ${Object.values(page).map(String).join(' ')}`]);
  const [result = '', enabled = '', running = '', count = '', reads = ''] = line.split(' ');
  return {
    result: Number(result),
    enabled: BigInt(enabled),
    running: BigInt(running),
    count: BigInt(count),
    reads: Number(reads),
  };
}

describe.runIf(program)('the page of a counter', () => {
  it('has the layout that the kernel declares', () => {
    expect(run(['layout'])).toEqual(['ok']);
  });

  it('is offset plus the counter, which is signed in its own width', () => {
    const cases = fc.tuple(u64, u64, fc.bigInt({ min: 1n, max: 64n }));
    for (const { value, answer } of all(cases, (numbers) => `count ${numbers.join(' ')}`)) {
      const [offset, counter, width] = value;
      const expected = BigInt.asUintN(64, offset + BigInt.asIntN(Number(width), counter));
      expect({ value, answer }).toEqual({ value, answer: String(expected) });
    }
  });

  it('continues a short clock past its wrap', () => {
    const cases = fc.tuple(u64, u64, fc.integer({ min: 32, max: 64 }));
    const mask = (bits: number): bigint => 2n ** BigInt(bits) - 1n;
    for (const { value, answer } of all(
      cases,
      ([cycles, base, bits]) => `cycles ${cycles} ${base} ${mask(bits)}`,
    )) {
      const [cycles, base, bits] = value;
      const expected = BigInt.asUintN(64, base + BigInt.asUintN(bits, cycles - base));
      expect({ value, answer }).toEqual({ value, answer: String(expected) });
    }
  });

  it('turns cycles into nanoseconds as whole numbers would', () => {
    // What the kernel makes: mult of 32 bits, shift up to 32, and a product of whole and fraction that stays within 64.
    const cases = fc.tuple(
      fc.bigInt({ min: 0n, max: 2n ** 56n }),
      u32,
      u32,
      fc.bigInt({ min: 0n, max: 32n }),
    );
    for (const { value, answer } of all(
      cases,
      ([cycles, offset, mult, shift]) => `elapsed ${cycles} ${offset} ${mult} ${shift}`,
    )) {
      const [cycles, offset, mult, shift] = value;
      const expected = BigInt.asUintN(64, offset + ((cycles * mult) >> shift));
      expect({ value, answer }).toEqual({ value, answer: String(expected) });
    }
  });

  it('gives count and times where nothing comes between', () => {
    // The counter of index 3 is number 2, and says 92 here.
    expect(read({})).toEqual({ result: 0, enabled: 700n, running: 700n, count: 5092n, reads: 1 });
  });

  it('is read again where the kernel wrote in between, and never mixes two versions', () => {
    for (const writes of [1n, 2n, 10n, 30n]) {
      const { result, count, reads } = read({ writes });
      expect(result).toBe(0);
      expect(count).toBe(5000n + 1000n * writes + 90n + 2n + writes);
      expect(reads).toBe(Number(writes) + 1);
    }
  });

  it('ends, with nothing, where the page changes for ever', () => {
    expect(read({ writes: 10_000n })).toMatchObject({ result: EAGAIN, reads: 64 });
  });

  it('ends, with nothing and without touching the counter, where the kernel seems to write for ever', () => {
    expect(read({ lock: 3n })).toMatchObject({ result: EAGAIN, reads: 0 });
  });

  it('does not touch the counter where user space may not, or where the event is not on the processor', () => {
    expect(read({ caps: TIME })).toMatchObject({ result: EOPNOTSUPP, reads: 0 });
    expect(read({ index: 0n })).toMatchObject({ result: EAGAIN, reads: 0 });
  });

  it('refuses a width that is none, and a counter that is not there', () => {
    expect(read({ width: 0n })).toMatchObject({ result: EOPNOTSUPP, reads: 0 });
    expect(read({ width: 65n })).toMatchObject({ result: EOPNOTSUPP, reads: 0 });
    expect(read({ index: 99n }).result).toBe(EOPNOTSUPP);
  });

  it('adds the time since the page was written to both times of a multiplexed event', () => {
    const multiplexed = { enabled: 900n, running: 300n, shift: 4n, mult: 3n, timeOffset: 10n, clock: 1600n };
    expect(read(multiplexed)).toMatchObject({ result: 0, enabled: 900n + 310n, running: 300n + 310n });
  });

  it('takes the clock from where the page was written, where the clock is short', () => {
    const short = {
      enabled: 900n,
      running: 300n,
      caps: RDPMC + TIME + SHORT,
      timeCycles: 2n ** 40n + 250n,
      timeMask: 255n,
      clock: 5n, // after 250 comes 255, then 0: 5 is 11 on
      mult: 1n,
      timeOffset: -(2n ** 40n) + 2n ** 64n,
    };
    const base = 2n ** 40n + 250n;
    const cycles = base + ((5n - base) & 255n);
    expect(read(short)).toMatchObject({ result: 0, enabled: 900n + cycles - 2n ** 40n });
  });

  it('leaves a multiplexed event to the kernel where the page tells no time', () => {
    expect(read({ enabled: 900n, running: 300n, caps: RDPMC })).toMatchObject({ result: EAGAIN });
    expect(read({ enabled: 900n, running: 300n, shift: 64n })).toMatchObject({ result: EAGAIN });
  });
});
