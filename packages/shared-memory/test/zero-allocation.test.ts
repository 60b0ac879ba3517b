import { describe, test } from 'vitest';
// By path: memory-tracker is built on this package, so it cannot be a dependency.
import { expectZeroAllocation } from '../../memory-tracker/src/zero-allocation.ts';
import {
  addAmount,
  addTally,
  amount,
  Arena,
  CoarseClock,
  idleStrategy,
  NameTable,
  Parker,
  tally,
} from '../src/index.ts';

const arena = Arena.create({ bytes: 1 << 20 });

describe('allocates nothing:', () => {
  const clock = CoarseClock.create(arena);
  const wrapped = CoarseClock.create(arena, { startMs: 0x7fffffff });
  test('clock.now', () => void expectZeroAllocation(() => clock.now()));
  test('clock.now beyond 31 bits', () => void expectZeroAllocation(() => wrapped.now()));

  test('clock.tick', () => void expectZeroAllocation(() => clock.tick()));

  const parker = Parker.create(arena);
  test('parker.prepare', () => void expectZeroAllocation(() => parker.prepare()));
  test('parker.unpark where nobody is parked', () => void expectZeroAllocation(() => parker.unpark()));
  test('parker.unpark of all', () => void expectZeroAllocation(() => parker.unpark(Infinity)));

  const idle = idleStrategy('adaptive', { parker });
  test('idle in a round with work', () => void expectZeroAllocation(() => idle.idle(1)));

  const tallyAt = arena.allocate(tally.bytes) >> 2;
  test('addTally', () => void expectZeroAllocation(() => addTally(arena.i32, tallyAt, 1)));
  test('addTally with a carry each time', () =>
    void expectZeroAllocation(() => addTally(arena.i32, tallyAt, 2 ** 31 - 1)));
  const amountAt = arena.allocate(amount.bytes) >> 2;
  test('addAmount', () => void expectZeroAllocation(() => addAmount(arena.i32, amountAt, 4096)));

  const table = NameTable.create(arena, { capacity: 8 });
  table.intern('github/push');
  test('intern of a known name', () => void expectZeroAllocation(() => table.intern('github/push')));
});
