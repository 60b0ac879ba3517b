/**
 * What the calls on memory cost: the call that sets alone, and the whole with reading before and after.
 *   node --conditions=@corelane/source test/memory-cost.ts
 * The least and the median. The time to read /proc/self/smaps goes with the mappings and the resident memory of the whole process.
 */
import type { Answer } from '../src/index.ts';
import {
  adviseMemory,
  bindMemory,
  lockMemory,
  memoryPolicy,
  migrateMemory,
  pageBytes,
  prefaultMemory,
  releaseMemory,
  residency,
  unlockMemory,
} from '../src/index.ts';
import { thisMachine } from '../src/memory/machine.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const machine = thisMachine();
const { addon, reason } = machine.native;
if (addon === null) throw new Error(reason);

interface Times {
  readonly leastUs: number;
  readonly medianUs: number;
}

function timesOf(rounds: number, call: () => unknown, between: () => unknown = () => 0): Times {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    between();
    const start = performance.now();
    call();
    times.push((performance.now() - start) * 1000);
  }
  times.sort((a, b) => a - b);
  return { leastUs: times[0] ?? 0, medianUs: times[rounds >> 1] ?? 0 };
}

function check(answer: Answer<unknown>): void {
  if (answer.status !== 'verified') throw new Error(answer.reason);
}

function show(what: string, { leastUs, medianUs }: Times, pages = 0): void {
  const perPage = pages === 0 ? '' : `${((leastUs * 1000) / pages).toFixed(0)} ns a page`;
  console.log(
    `${what.padEnd(44)}${leastUs.toFixed(1).padStart(10)} ${medianUs.toFixed(1).padStart(10)} µs   ${perPage}`,
  );
}

for (const file of ['maps', 'smaps'])
  show(
    `reading /proc/self/${file}`,
    timesOf(20, () => [...(machine.lines(`/proc/self/${file}`) ?? [])].length),
  );

for (const bytes of [64 * KIB, 4 * MIB, 256 * MIB]) {
  const range = new Uint8Array(
    new WebAssembly.Memory({ initial: bytes / 65_536, maximum: bytes / 65_536, shared: true }).buffer,
  );
  const pages = bytes / pageBytes();
  const rounds = bytes > 16 * MIB ? 5 : 30;
  const size = bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`;
  const time = (what: string, call: () => Answer<unknown>, between?: () => unknown, perPage = false): void =>
    show(
      `${what}, ${size}`,
      timesOf(rounds, () => check(call()), between),
      perPage ? pages : 0,
    );

  const empty = (): void => check(releaseMemory(range));
  time('prefaultMemory, nothing there', () => prefaultMemory(range), empty, true);
  time('residency, all there', () => residency(range), undefined, true);
  show(
    `  move_pages alone, ${size}`,
    timesOf(rounds, () => addon.memoryNodes(range, 0, bytes, new Int32Array(pages))),
    pages,
  );
  time('migrateMemory, all there already', () => migrateMemory(range, 0), undefined, true);
  time('memoryPolicy', () => memoryPolicy(range));
  time('bindMemory', () => bindMemory(range, [0]));
  const mask = new Uint8Array(128).fill(1, 0, 1);
  show(
    `  mbind alone, ${size}`,
    timesOf(rounds, () => addon.memoryBind(range, 0, bytes, 2, mask, 0)),
  );
  time('bindMemory, migrate', () => bindMemory(range, [0], { migrate: true }), undefined, true);
  time('adviseMemory', () => adviseMemory(range, 'dontDump'));
  const locks = lockMemory(range);
  check(unlockMemory(range));
  if (locks.status === 'verified') {
    time(
      'lockMemory, all there',
      () => lockMemory(range),
      () => unlockMemory(range),
      true,
    );
    time(
      'unlockMemory',
      () => unlockMemory(range),
      () => lockMemory(range),
      true,
    );
    check(unlockMemory(range));
  }
  time(
    'releaseMemory',
    () => releaseMemory(range),
    () => range.fill(1),
    true,
  );
}
