/**
 * Counters of a processor, on a machine that has them: for the lab's emulated arm64 (sysctl kernel.perf_user_access=1), and for
 * any other by hand. Each answers what it found, and throws where that is not what must be.
 *   node --conditions=@corelane/source test/lab/perf.ts
 *
 * Imports nothing of this package but types, so that it can be packed with a build of this package: hand it that.
 */
import type * as platform from '../../src/index.ts';

export interface PerfLabTest {
  readonly name: string;
  readonly asked: string;
  readonly run: () => string;
}

type Platform = Pick<typeof platform, 'PerfEvents'>;

const EVENTS = ['cycles', 'instructions'] as const;
const TURNS = 2_000_000;
/**
 * (module (func (export "f") (param i32)
 *   (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
 */
const LOOP = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 1, 127, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 16, 1, 14, 0, 3,
  64, 32, 0, 65, 1, 107, 34, 0, 13, 0, 11, 11,
];

export function perfLabTests({ PerfEvents }: Platform): PerfLabTest[] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(LOOP)));
  const turn = exports['f'] as (turns: number) => void;
  for (let i = 0; i < 5; i++) turn(TURNS); // compiled for good before anything is counted

  const open = (target: 'thread' | 'process'): platform.PerfEvents<(typeof EVENTS)[number]> => {
    const answer = PerfEvents.open({ target, events: EVENTS });
    if (answer.status !== 'verified') throw new Error(answer.reason);
    return answer.value;
  };

  return [
    {
      name: 'the counters of a thread are read by the thread itself',
      asked: 'cycles and instructions of the calling thread; tier rdpmc at opening and at reading',
      run(): string {
        using events = open('thread');
        turn(TURNS);
        const { cycles, instructions } = events.read();
        const found = JSON.stringify({ cycles, instructions });
        expect(events.tiers.cycles === 'rdpmc' && events.tiers.instructions === 'rdpmc', found);
        expect(cycles.tier === 'rdpmc' && instructions.tier === 'rdpmc', found);
        return found;
      },
    },
    {
      name: 'a loop takes the instructions that it has',
      asked: `a loop of ${TURNS} turns and one of twice as many: 1 to 12 instructions a turn, and twice as many in all`,
      run(): string {
        using events = open('thread');
        const of = (turns: number): number => {
          const before = events.read().instructions.value ?? Number.NaN;
          turn(turns);
          return (events.read().instructions.value ?? Number.NaN) - before;
        };
        of(TURNS);
        const [once, twice] = [least(() => of(TURNS)), least(() => of(2 * TURNS))];
        const found = `${once} and ${twice} instructions: ${(once / TURNS).toFixed(2)} a turn, ratio ${(twice / once).toFixed(3)}`;
        expect(once >= TURNS && once < 12 * TURNS && twice / once > 1.9 && twice / once < 2.1, found);
        return found;
      },
    },
    {
      name: 'reading by itself and through the kernel give the same',
      asked: 'one loop counted by the thread (rdpmc) and by the process (group): within 10 %',
      run(): string {
        using own = open('thread');
        using whole = open('process');
        const before = [own.read().instructions.value, whole.read().instructions.value];
        turn(8 * TURNS);
        const after = [own.read().instructions, whole.read().instructions];
        const [a = Number.NaN, b = Number.NaN] = after.map(
          ({ value }, i) => (value ?? NaN) - (before[i] ?? NaN),
        );
        const found = `${a} by ${after[0]?.tier}, ${b} by ${after[1]?.tier}`;
        expect(after[0]?.tier === 'rdpmc' && after[1]?.tier === 'group', found);
        expect(Math.abs(a - b) / Math.max(a, b) < 0.1, found);
        return found;
      },
    },
    {
      name: 'counts never go back',
      asked: '20000 readings one after the other',
      run(): string {
        using events = open('thread');
        const last = new Float64Array(EVENTS.length);
        const now = new Float64Array(EVENTS.length);
        let apart = Number.POSITIVE_INFINITY;
        for (let i = 0; i < 20_000; i++) {
          events.readInto(now);
          for (let j = 0; j < now.length; j++) {
            const [is = Number.NaN, was = 0] = [now[j], last[j]];
            if (!(is > was)) throw new Error(`reading ${i} of ${EVENTS[j]}: ${is} after ${was}`);
            if (j === 1) apart = Math.min(apart, is - was);
            last[j] = is;
          }
        }
        return `${[...last].join(' and ')} at the end; ${apart} instructions from one reading of 2 events to the next`;
      },
    },
    {
      name: 'more events than counters take turns, and are scaled',
      asked: '8 pairs of events at once: estimates of all within a factor of 2 of each other, and flagged',
      run(): string {
        const all = Array.from({ length: 8 }, () => open('thread'));
        try {
          // Turns are taken at ticks of the clock: long enough for some of them.
          const end = performance.now() + 400;
          while (performance.now() < end) turn(TURNS / 10);
          const readings = all.map((events) => events.read().instructions);
          const found = readings
            .map(({ value, scaled, tier }) => `${value}${scaled ? ' scaled' : ''} ${tier}`)
            .join(', ');
          const values = readings.map(({ value }) => value ?? Number.NaN);
          expect(
            readings.some(({ scaled }) => scaled),
            found,
          );
          expect(Math.max(...values) / Math.min(...values) < 2, found);
          return found;
        } finally {
          for (const events of all) events.close();
        }
      },
    },
    {
      name: 'what the processor does not count is told',
      asked: 'all events of a thread: a value, or null and the reason',
      run(): string {
        const answer = PerfEvents.open();
        if (answer.status !== 'verified') throw new Error(answer.reason);
        using events = answer.value;
        const reading = events.read();
        for (const [name, { value, tier, reason }] of Object.entries(reading))
          expect(
            (value === null) === (tier === null) && reason !== '',
            `${name}: ${value} ${tier} ${reason}`,
          );
        return Object.entries(reading)
          .map(
            ([name, { value, tier, reason }]) =>
              `${name} ${value === null ? `null (${reason})` : `${value} ${tier}`}`,
          )
          .join('; ');
      },
    },
  ];
}

function least(measure: () => number): number {
  return Math.min(...Array.from({ length: 5 }, measure));
}

function expect(holds: boolean, found: string): void {
  if (!holds) throw new Error(found);
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const source = await import('../../src/index.ts');
  for (const { name, run } of perfLabTests(source)) {
    try {
      console.log(`ok      ${name}: ${run()}`);
    } catch (error) {
      console.log(`failed  ${name}: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
}
