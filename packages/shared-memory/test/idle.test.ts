import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ArgumentRangeError,
  idleStrategy,
  type IdleHost,
  type IdleKind,
  type IdleOptions,
  type IdleStrategy,
  type ParkOutcome,
} from '../src/index.ts';

/** A batch of pauses takes about half a microsecond here: a sum of them is exact. */
const BATCH_MS = 2 ** -11;
/** `maxSpinUs` for so many batches. */
const batches = (count: number): number => count * BATCH_MS * 1000;

/** A machine whose clock goes on only by spinning and parking, and that writes down what was done. */
class Machine implements IdleHost {
  nowMs = 1024;
  cores = 4;
  /** What the next spins take longer because the thread is descheduled. */
  stolenMs = 0;
  sequence = 0;
  coreReads = 0;
  readonly did: string[] = [];
  readonly #parker: IdleOptions['parker'] = {
    prepare: () => this.sequence,
    park: (sequence, timeoutMs): ParkOutcome => {
      this.did.push(timeoutMs === 0.001 ? 'yield' : `park ${timeoutMs}`);
      if (sequence !== this.sequence) return 'changed';
      if (timeoutMs === Infinity) return 'woken';
      this.nowMs += timeoutMs!;
      return 'timedOut';
    },
  };

  now(): number {
    return this.nowMs;
  }

  spin(): void {
    this.did.push('spin');
    this.nowMs += BATCH_MS + this.stolenMs;
  }

  availableParallelism(): number {
    this.coreReads++;
    return this.cores;
  }

  strategy(kind: IdleKind, options: Partial<IdleOptions> = {}): IdleStrategy {
    return idleStrategy(kind, { parker: this.#parker, host: this, ...options });
  }

  /** What was done since the last call, runs of one thing as `3 spin`. */
  take(): string[] {
    const runs: { what: string; times: number }[] = [];
    for (const what of this.did.splice(0)) {
      const last = runs.at(-1);
      if (last?.what === what) last.times++;
      else runs.push({ what, times: 1 });
    }
    return runs.map(({ what, times }) => `${times} ${what}`);
  }
}

function idleRounds(idle: IdleStrategy, rounds: number): void {
  for (let i = 0; i < rounds; i++) idle.idle(0);
}

describe('every strategy', () => {
  const kinds = ['spinning', 'yielding', 'backoff', 'adaptive'] as const;

  test.each(kinds)('%s does nothing in rounds with work', (kind) => {
    const machine = new Machine();
    const idle = machine.strategy(kind);
    for (let i = 1; i < 10; i++) idle.idle(i);
    expect(machine.take()).toEqual([]);
  });

  test.each(kinds)('%s never spins with more threads than cores', (kind) => {
    const machine = new Machine();
    const idle = machine.strategy(kind, { threads: 5 });
    for (let i = 0; i < 100; i++) idle.idle(i % 10 === 0 ? 1 : 0);
    expect(machine.did).not.toContain('spin');
    expect(machine.did).not.toEqual([]);
  });

  test.each(kinds)('%s never spins on a machine of one core', (kind) => {
    const machine = new Machine();
    machine.cores = 1;
    const idle = machine.strategy(kind);
    idleRounds(idle, 100);
    expect(machine.did).not.toContain('spin');
  });

  test.each(kinds)('%s stops spinning for a while when it was descheduled', (kind) => {
    const machine = new Machine();
    const idle = machine.strategy(kind);
    idleRounds(idle, 3);
    expect(machine.take()).toEqual(['3 spin']);
    machine.stolenMs = 2;
    idle.idle(0);
    machine.stolenMs = 0;
    machine.take();
    expect(idle.statistics.preemptions).toBe(1);
    const until = machine.nowMs + 3;
    for (let i = 0; i < 50 && machine.nowMs < until; i++) {
      idle.idle(1);
      idle.idle(0);
      expect(machine.did).not.toContain('spin');
      machine.nowMs += 0.5;
    }
    idle.idle(1);
    machine.nowMs = until;
    idle.idle(0);
    expect(machine.did).toContain('spin');
  });

  test.each(kinds)('%s parks and yields only on a sequence from before the last look', (kind) => {
    // The sequence is bumped in every poll; a park on a later one would be a lost wake-up.
    const sequences: number[] = [];
    let sequence = 0;
    const machine = new Machine();
    const parker: IdleOptions['parker'] = {
      prepare: () => sequence,
      park: (prepared) => {
        sequences.push(sequence - prepared);
        return 'changed';
      },
    };
    const idle = idleStrategy(kind, { parker, host: machine, threads: 9 });
    for (let i = 0; i < 100; i++) {
      sequence++; // the caller looks
      idle.idle(i % 7 === 0 ? 1 : 0);
    }
    expect(sequences.length).toBeGreaterThan(50);
    expect(new Set(sequences)).toEqual(new Set([1]));
  });

  test.each([
    { threads: 0 },
    { threads: Number.NaN },
    { maxSpinUs: -1 },
    { maxYields: -1 },
    { minParkMs: 0 },
    { minParkMs: 3, maxParkMs: 2 },
  ])('refuses %o', (options) => {
    expect(() => new Machine().strategy('backoff', options)).toThrow(ArgumentRangeError);
  });

  test('is one of four', () => {
    expect(() => new Machine().strategy('sleeping' as never)).toThrow(/kind is "sleeping"/);
  });
});

test('spinning spins as long as it is idle, and counts the spins that paid', () => {
  const machine = new Machine();
  const idle = machine.strategy('spinning');
  idleRounds(idle, 1000);
  expect(machine.take()).toEqual(['1000 spin']);
  idle.idle(1);
  expect(idle.statistics).toMatchObject({ hits: 1, misses: 0, yields: 0, parks: 0 });
});

test('yielding spins for its time, then yields until there is work', () => {
  const machine = new Machine();
  const idle = machine.strategy('yielding', { maxSpinUs: batches(4) });
  idleRounds(idle, 10);
  expect(machine.take()).toEqual(['4 spin', '6 yield']);
  idle.idle(1);
  idleRounds(idle, 5);
  expect(machine.take()).toEqual(['4 spin', '1 yield']);
  expect(idle.statistics).toMatchObject({ hits: 0, misses: 2, yields: 7, parks: 0 });
});

test('backoff spins, yields, then parks for twice as long each time up to its limit', () => {
  const machine = new Machine();
  const idle = machine.strategy('backoff', {
    maxSpinUs: batches(2),
    maxYields: 2,
    minParkMs: 0.25,
    maxParkMs: 1,
  });
  const stages = ['2 spin', '2 yield', '1 park 0.25', '1 park 0.5', '2 park 1'];
  idleRounds(idle, 8);
  expect(machine.take()).toEqual(stages);
  idle.reset();
  idleRounds(idle, 8);
  expect(machine.take()).toEqual(stages);
});

describe('adaptive', () => {
  test('spins for its budget, then parks until it is unparked, and spins again only after work', () => {
    const machine = new Machine();
    const idle = machine.strategy('adaptive', { maxSpinUs: batches(20) });
    idleRounds(idle, 22);
    expect(machine.take()).toEqual(['20 spin', '2 park Infinity']);
    idle.idle(1);
    idleRounds(idle, 19);
    expect(machine.take()).toEqual(['18 spin', '1 park Infinity']); // less by an eighth: the last one was in vain
  });

  test('gives up spinning that never pays, but for a probe now and then', () => {
    const machine = new Machine();
    const idle = machine.strategy('adaptive', { maxSpinUs: batches(20) });
    const phase = (): number => {
      idle.idle(1);
      idleRounds(idle, 30);
      return machine.did.splice(0).filter((what) => what === 'spin').length;
    };
    const spins = Array.from({ length: 100 }, phase);
    expect(spins.slice(0, 9)).toEqual([20, 18, 15, 13, 10, 8, 5, 3, 0]);
    const later = spins.slice(9);
    expect(later.filter((count) => count > 0)).toEqual([20, 20, 20, 20, 20]); // in every 16th
  });

  test('spins for its full budget again when spinning pays', () => {
    const machine = new Machine();
    const idle = machine.strategy('adaptive', { maxSpinUs: batches(20) });
    for (let i = 0; i < 20; i++) {
      idle.idle(1);
      idleRounds(idle, 30);
    }
    expect(idle.statistics.misses).toBe(8);
    const before = idle.statistics.hits;
    for (let i = 0; i < 100; i++) {
      idle.idle(1);
      idle.idle(0); // work comes while it spins, if it spins
    }
    idle.idle(1);
    expect(idle.statistics.hits - before).toBeGreaterThan(60);
    machine.take();
    idleRounds(idle, 30);
    expect(machine.take()[0]).toBe('20 spin');
  });

  test('follows a changing number of threads and of cores', () => {
    const machine = new Machine();
    let threads = 2;
    const idle = machine.strategy('adaptive', { threads: () => threads });
    const spins = (): boolean => {
      machine.take();
      idle.idle(1);
      idle.idle(0);
      return machine.did.includes('spin');
    };
    expect(spins()).toBe(true);
    threads = 5;
    expect(spins()).toBe(false);
    threads = 4;
    expect(spins()).toBe(true);
    machine.cores = 2; // a quota, or an affinity mask
    expect(spins()).toBe(true); // the number is a second old at most
    machine.nowMs += 1000;
    expect(spins()).toBe(false);
    expect(machine.coreReads).toBe(2);
  });

  test('is away from spinning for longer each time that it is descheduled, up to a limit', () => {
    const machine = new Machine();
    const idle = machine.strategy('adaptive', { maxSpinUs: batches(20) });
    idleRounds(idle, 2);
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      idle.reset();
      machine.stolenMs = 5;
      idle.idle(0);
      machine.stolenMs = 0;
      const from = machine.nowMs;
      machine.take();
      while (!machine.did.includes('spin')) {
        machine.nowMs += 1;
        idle.reset();
        idle.idle(0);
      }
      pauses.push(Math.round(machine.nowMs - from));
      expect(machine.did.pop()).toBe('spin');
    }
    expect(pauses).toEqual([3, 6, 12, 24, 48, 96, 100, 100]);
  });

  test('spins at most its budget in any phase, whatever happens', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ work: fc.boolean(), stolen: fc.boolean() }), { maxLength: 300 }),
        (rounds) => {
          const machine = new Machine();
          const idle = machine.strategy('adaptive', { maxSpinUs: batches(10) });
          let spins = 0;
          for (const { work, stolen } of rounds) {
            machine.stolenMs = stolen ? 1 : 0;
            idle.idle(work ? 1 : 0);
            spins = work ? 0 : spins + machine.did.filter((what) => what === 'spin').length;
            machine.take();
            expect(spins).toBeLessThanOrEqual(10);
          }
        },
      ),
    );
  });
});
