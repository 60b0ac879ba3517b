// Longer histories than breaker.model.test.ts has: openings, probes and reopenings one after the other, with threads that come late.
// The outcomes vary with the schedule, so what is judged is what must hold of all of them.
import { killsMutants, peek, type Mutant, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import { cell, ledger } from '../src/layout.ts';
import {
  CELL,
  count,
  expectAll,
  reopens,
  scenario,
  trips,
  word,
  type Kernel,
  type Start,
  ME,
} from './model.ts';

/** Ask at a time; tell at a time how the call that was admitted last has ended, if one was. */
type Step = readonly ['ask' | 'ok' | 'failed', number];
type Outcome = `${'asked' | 'told'} ${number}`;

interface History {
  readonly name: string;
  readonly start: Start & { readonly halfOpenProbes: number };
  readonly startEra?: number;
  readonly threads: readonly (readonly Step[])[];
  readonly preemptions?: number;
  readonly check?: (outcomes: readonly Outcome[]) => string | undefined;
}

const thread = (k: Kernel, steps: readonly Step[]) => (): Outcome[] => {
  const outcomes: Outcome[] = [];
  let admission = -1;
  for (const [kind, nowMs] of steps) {
    if (kind === 'ask') {
      const answer = k.tryAcquireAt(CELL, nowMs, ME);
      if (answer >= 0) admission = answer;
      outcomes.push(`asked ${answer}`);
    } else if (admission >= 0) {
      outcomes.push(`told ${k.recordDeliveryAt(CELL, kind === 'ok' ? 1 : 0, admission, 0, nowMs, ME)}`);
      admission = -1;
    }
  }
  return outcomes;
};

/** Every opening told once, at most so many probes an era, and no word that is not closed with the ledger of another era. */
function judge({ start, startEra = 0, check }: History, outcomes: readonly Outcome[]): string | undefined {
  const { era, state } = word();
  const probes = [0, 1, 2, 3, 4, 5, 6, 7].map((e) => count(outcomes, `asked ${(e << 1) | 1}`));
  const ledgerEra = peek(CELL + cell.offset.ledger) >>> ledger.field.era.shift;
  return (
    expectAll(
      [count(outcomes, 'told 1') === trips(), `${trips()} trips; ${outcomes.join(', ')}`],
      // Lost probes reopen it as well, and nobody is told.
      [count(outcomes, 'told 3') <= reopens(), `${reopens()} reopens; ${outcomes.join(', ')}`],
      [
        (startEra + trips() + reopens()) % 8 === era,
        `era ${era} after ${trips()} trips, ${reopens()} reopens`,
      ],
      [probes.every((admitted) => admitted <= start.halfOpenProbes), `probes by era: ${probes.join()}`],
      [state === 'closed' || ledgerEra === era, `${state} in era ${era}, ledger of era ${ledgerEra}`],
    ) ?? check?.(outcomes)
  );
}

const histories: History[] = [
  {
    name: 'trip, half open, reopen, half open',
    start: { failureThreshold: 1, resetTimeout: 10, halfOpenProbes: 1 },
    threads: [
      [
        ['ask', 0],
        ['failed', 0],
        ['ask', 10],
        ['failed', 10],
        ['ask', 20],
        ['ok', 20],
      ],
      [
        ['ask', 0],
        ['ask', 10],
        ['failed', 11],
        ['ask', 21],
      ],
    ],
    preemptions: 3,
  },
  {
    name: 'two probes of which one is lost, and late results',
    start: {
      low: (100 << 24) | ((1 | (1 << 5)) << 8),
      ledger: [1 << 16, 0],
      resetTimeout: 10,
      halfOpenProbes: 2,
      closeRatio: 1,
    },
    startEra: 1,
    threads: [
      [
        ['ask', 10],
        ['failed', 20],
        ['ask', 30],
      ],
      [
        ['ask', 10],
        ['ask', 20],
        ['failed', 20],
      ],
      [
        ['ask', 20],
        ['ok', 20],
      ],
    ],
    preemptions: 2,
  },
  {
    name: 'from era 7 to era 0 and on',
    start: {
      low: (100 << 24) | ((2 | (7 << 5)) << 8),
      ledger: [7 << 16, 0],
      resetTimeout: 10,
      halfOpenProbes: 1,
      closeRatio: 1,
    },
    startEra: 7,
    threads: [
      [
        ['ask', 5],
        ['failed', 6],
        ['ask', 16],
        ['failed', 16],
      ],
      [
        ['ask', 15],
        ['ask', 16],
        ['ok', 17],
      ],
    ],
    preemptions: 4,
  },
  {
    name: 'tokens are exact through all of it',
    start: {
      low: 2 << 24,
      burst: 100,
      refillPerSecond: 1000,
      failureThreshold: 1,
      resetTimeout: 10,
      halfOpenProbes: 1,
    },
    threads: [
      [
        ['ask', 0],
        ['failed', 1],
        ['ask', 11],
        ['ok', 11],
      ],
      [
        ['ask', 1],
        ['ok', 2],
        ['ask', 11],
      ],
      [['ask', 2]],
    ],
    preemptions: 2,
    check: (outcomes) => {
      const admitted = outcomes.filter((outcome) => /^asked \d*[02468]$/.test(outcome)).length;
      const due = peek(CELL + cell.offset.refill + 4);
      return word().tokens + admitted === 2 + due
        ? undefined
        : `${admitted} admitted, ${word().tokens} left of 2 and ${due}`;
    },
  },
];

const mutants: Mutant[] = [
  {
    name: 'the ledger is stamped without a second look at the word',
    find: 'if (eraOf(low()) != eraOf(wordLow)) return 0;',
    replace: '',
    expect: 'truncated',
  },
  {
    name: 'refill lost: what was claimed is dropped when the breaker is not closed',
    find: 'if (casWord(cell, wordLow, wordHigh, next, wordHigh) != 0) claimed = 0;',
    replace: 'claimed = 0;',
  },
  {
    name: 'a trip begins no new era',
    find: 'const era = (eraOf(low) + 1) & ERA_MASK;',
    replace: 'const era = eraOf(low);',
  },
];

test('long histories with late threads keep the breaker exact, and mutants are caught', () => {
  const { baseline, kills } = killsMutants<Kernel>({
    kernel: new URL('../kernel/index.ts', import.meta.url),
    mutants,
    scenarios: histories.map((history) => (k: Kernel): Scenario => {
      const threads = history.threads.map((steps) => thread(k, steps));
      const plain = scenario(history.name, history.start, threads, (r) => judge(history, r.flat()));
      return history.preemptions === undefined ? plain : { ...plain, preemptions: history.preemptions };
    }),
  });
  expect(baseline.every((s) => s.complete && s.accesses > 0)).toBe(true);
  expect(kills).toHaveLength(mutants.length);
}, 120_000);
