// The twin's own risks: fields touched without the mutex, a mutex that is not given back, and what a thread leaves that dies inside.
import { killsMutants, peek, poke, type Mutant, type Scenario } from '@corelane/interleave';
import { mutexWords } from '@corelane/lock-free';
import { expect, test } from 'vitest';
import {
  RECORD_COUNTED,
  RECORD_TRIPPED,
  REFUSED_OPEN,
  REFUSED_PROBING,
  REFUSED_THROTTLED,
  STANDARD_CLOSED,
  STANDARD_HALF_OPEN,
  STANDARD_OPEN,
  standardCell,
} from '../src/layout.ts';
import type { EndpointOptions } from '../src/policy.ts';
import { count, expectAll, writePolicy, type Kernel } from './model.ts';

const CLOCK = 8;
const POLICY = 64;
const CELL = 256;
const BYTES = CELL + standardCell.bytes;
const { offset } = standardCell;
const MUTEX = CELL + offset.mutex + mutexWords.offset.state;
const NAMES = Object.fromEntries(
  standardCell.fields
    .filter(({ sizeBytes }) => sizeBytes === 4)
    .map(({ name, offsetBytes }) => [CELL + offsetBytes, name]),
);

const field = (name: keyof typeof offset): number => peek(CELL + offset[name]);

type Fields = Partial<Record<keyof typeof offset, number>>;

/** Sets an endpoint up as if it had been defined. */
function start(options: EndpointOptions, fields: Fields): void {
  writePolicy(POLICY, options);
  const all: Fields = { policy: POLICY, state: STANDARD_CLOSED, tokens: options.burst ?? 100, ...fields };
  for (const [name, value] of Object.entries(all)) poke(CELL + offset[name as keyof typeof offset], value);
}

function scenario(
  name: string,
  options: EndpointOptions,
  fields: Fields,
  rest: Pick<Scenario, 'threads'> & Partial<Scenario>,
): Scenario {
  return {
    name,
    bytes: BYTES,
    names: { ...NAMES, [MUTEX]: 'mutex' },
    setup: () => start(options, fields),
    maxSteps: 300,
    ...rest,
  };
}

const isFree = (): readonly [boolean, string] => [peek(MUTEX) === 0, `mutex ${peek(MUTEX)} is left`];

const OPEN: Fields = { state: STANDARD_OPEN, era: 1, sinceMs: 0 };

const together: ((k: Kernel) => Scenario)[] = [
  (k) =>
    scenario(
      'one token admits one of two',
      { burst: 1, refillPerSecond: 1 },
      {},
      {
        threads: [() => k.tryAcquireStandardAt(CELL, 0, 1), () => k.tryAcquireStandard(CELL, CLOCK, 2)],
        check: (r) =>
          expectAll(
            [count(r, 0) === 1 && count(r, REFUSED_THROTTLED) === 1, `outcomes ${r.join()}`],
            [field('tokens') === 0 && field('transitions') === 1, `tokens ${field('tokens')}`],
            isFree(),
          ),
      },
    ),
  (k) =>
    scenario(
      'results are counted exactly',
      {},
      {},
      {
        threads: [
          () => k.recordStandard(CELL, 1, 0, 0, CLOCK, 1),
          () => [k.recordStandardAt(CELL, 0, 0, 0, 5, 2), k.tryAcquireStandard(CELL, CLOCK, 2)],
        ],
        check: (r) =>
          expectAll(
            [r[0] === RECORD_COUNTED && r[1][0] === RECORD_COUNTED && r[1][1] === 0, `outcomes ${r.join()}`],
            [
              field('successes') === 1 && field('failures') === 1 && field('transitions') === 2,
              'a count is lost',
            ],
            isFree(),
          ),
      },
    ),
  (k) =>
    scenario(
      'a full window trips once',
      { failureThreshold: 2 },
      {},
      {
        threads: [
          () => k.recordStandardAt(CELL, 0, 0, 0, 5, 1),
          () => k.recordStandard(CELL, 0, 0, 0, CLOCK, 2),
        ],
        check: (r) =>
          expectAll(
            [count(r, RECORD_TRIPPED) === 1 && count(r, RECORD_COUNTED) === 1, `outcomes ${r.join()}`],
            [
              field('state') === STANDARD_OPEN && field('trips') === 1 && field('era') === 1,
              'not open, or twice',
            ],
            isFree(),
          ),
      },
    ),
  (k) =>
    scenario('one probe is admitted once', { resetTimeout: 10, halfOpenProbes: 1 }, OPEN, {
      threads: [() => k.tryAcquireStandardAt(CELL, 20, 1), () => k.tryAcquireStandardAt(CELL, 20, 2)],
      check: (r) =>
        expectAll(
          [count(r, 3) === 1 && count(r, REFUSED_PROBING) === 1, `outcomes ${r.join()}`],
          [field('state') === STANDARD_HALF_OPEN && field('admitted') === 1, `${field('admitted')} admitted`],
          isFree(),
        ),
    }),
];

const DEAD = 1;
const HEIR = 9;

/** What must hold wherever the thread DEAD stopped: judged by what an heir then finds, on a copy of the memory. */
function afterDeath(k: Kernel, judge: () => string | undefined): string | undefined {
  const words = Array.from({ length: BYTES / 4 }, (_, i) => peek(4 * i));
  try {
    k.standardBind(HEIR);
    k.standardReclaim(CELL, DEAD);
    const why = judge();
    return why ?? (peek(MUTEX) === 0 ? undefined : `mutex ${peek(MUTEX)} is left`);
  } finally {
    for (const [i, value] of words.entries()) poke(4 * i, value);
  }
}

/** One thread that may die between any two accesses. */
function mortal(
  k: Kernel,
  name: string,
  options: EndpointOptions,
  fields: Fields,
  run: () => unknown,
  judge: () => string | undefined,
): Scenario {
  return scenario(`dies: ${name}`, options, fields, {
    threads: [run],
    reduction: false,
    invariant: () => afterDeath(k, judge),
  });
}

const PROBES = 2;
const BREAKER: EndpointOptions = {
  failureThreshold: 1,
  resetTimeout: 10,
  halfOpenProbes: PROBES,
  closeRatio: 1,
};

/** Asks until no more probes are admitted, at `now`. @returns how many were */
function probesAt(k: Kernel, now: number): number {
  let admitted = 0;
  while (admitted <= PROBES && k.tryAcquireStandardAt(CELL, now, HEIR) >= 0) admitted++;
  return admitted;
}

/** The endpoint is closed at last by good probes, whatever state it was left in. */
function recovers(k: Kernel, from: number): string | undefined {
  for (let now = from; now < from + 100; now += 10) {
    const admission = k.tryAcquireStandardAt(CELL, now, HEIR);
    if (admission >= 0) k.recordStandardAt(CELL, 1, admission, 0, now, HEIR);
    if (field('state') === STANDARD_CLOSED) return undefined;
  }
  return `state ${field('state')} after 100 ms`;
}

const alone: ((k: Kernel) => Scenario)[] = [
  (k) =>
    mortal(
      k,
      'opening',
      BREAKER,
      {},
      () => k.recordStandardAt(CELL, 0, 0, 0, 50, DEAD),
      () => {
        const state = field('state');
        if (state === STANDARD_OPEN && k.tryAcquireStandardAt(CELL, 59, HEIR) !== REFUSED_OPEN)
          return 'half open before its time';
        if (state === STANDARD_OPEN && k.recordStandardAt(CELL, 1, 0, 0, 59, HEIR) === RECORD_COUNTED)
          return 'a result of before the opening counts';
        return recovers(k, 60);
      },
    ),
  (k) =>
    mortal(
      k,
      'opening again',
      BREAKER,
      { ...OPEN, state: STANDARD_HALF_OPEN, admitted: PROBES },
      () => k.recordStandardAt(CELL, 0, 3, 0, 5, DEAD),
      () => {
        if (field('state') === STANDARD_HALF_OPEN && probesAt(k, 5) > 0) return 'a probe too many';
        if (field('state') === STANDARD_OPEN && k.tryAcquireStandardAt(CELL, 14, HEIR) !== REFUSED_OPEN)
          return 'half open before its time';
        return recovers(k, 15);
      },
    ),
  (k) =>
    mortal(
      k,
      'half-opening',
      BREAKER,
      { ...OPEN, failures: 7, admitted: PROBES },
      () => k.tryAcquireStandardAt(CELL, 20, DEAD),
      () => {
        const admitted = probesAt(k, 20); // the dead one may have one
        if (admitted !== PROBES && admitted !== PROBES - 1) return `${admitted} probes admitted`;
        return recovers(k, 30);
      },
    ),
  (k) =>
    mortal(
      k,
      'closing',
      { ...BREAKER, failureThreshold: 2 },
      { ...OPEN, state: STANDARD_HALF_OPEN, admitted: PROBES, successes: 1, ringCount: 1 },
      () => k.recordStandardAt(CELL, 1, 3, 0, 5, DEAD),
      () => {
        if (field('state') !== STANDARD_CLOSED) return recovers(k, 20);
        return k.recordStandardAt(CELL, 0, 2, 0, 5, HEIR) === RECORD_TRIPPED
          ? 'a failure of before the opening counts'
          : undefined;
      },
    ),
  (k) =>
    mortal(
      k,
      'paying tokens',
      { burst: 10, refillPerSecond: 1000 },
      { tokens: 0, refillFraction: 900_000 },
      () => k.tryAcquireStandardAt(CELL, 3, DEAD),
      () => {
        // 3.9 tokens are due; the dead one may have taken one, or all.
        let admitted = 0;
        while (k.tryAcquireStandardAt(CELL, 3, HEIR) >= 0) admitted++;
        if (admitted > 3) return `${admitted} admitted, 3 tokens were due`;
        return k.tryAcquireStandardAt(CELL, 4, HEIR) === REFUSED_THROTTLED && admitted > 0
          ? 'the next token does not come'
          : undefined;
      },
    ),
];

const mutants: Mutant[] = [
  {
    name: 'a result goes in without the mutex',
    file: 'standard-result.ts',
    find: 'if (tryEnter(cell, me) == 0) enterSlowly(cell, me);',
    replace: '',
    expect: 'race',
  },
  {
    name: 'who finds it taken goes in',
    find: 'const outcome = lockMutex(cell + STANDARD_CELL_MUTEX, me, SPINS);',
    replace: 'const outcome = 0;',
    expect: 'race',
  },
  {
    name: 'a release that wakes nobody',
    find: 'unlockMutex(cell + STANDARD_CELL_MUTEX, me);',
    replace: 'set(cell + STANDARD_CELL_MUTEX, 0);',
  },
  {
    name: 'an admission does not give the mutex back',
    file: 'standard-admission.ts',
    find: 'const outcome = admitCall(cell, policy, now, me);\n  leave(cell, me);',
    replace: 'const outcome = admitCall(cell, policy, now, me);',
  },
  {
    name: 'the poison of a dead thread stays',
    find: 'if (outcome == LOCK_RECOVERED) markMutexConsistent(cell + STANDARD_CELL_MUTEX, me);',
    replace: '',
  },
  {
    name: 'open before its time is known',
    find: 'set(cell + STANDARD_CELL_SINCE_MS, now);\n  set(cell + STANDARD_CELL_STATE, state);',
    replace: 'set(cell + STANDARD_CELL_STATE, state);\n  set(cell + STANDARD_CELL_SINCE_MS, now);',
  },
  {
    name: 'probes are given free while it is still half open',
    find: 'set(cell + STANDARD_CELL_STATE, state);\n  set(cell + STANDARD_CELL_ADMITTED, 0);',
    replace: 'set(cell + STANDARD_CELL_ADMITTED, 0);\n  set(cell + STANDARD_CELL_STATE, state);',
  },
  {
    name: 'half open with the probes of before',
    file: 'standard-breaker.ts',
    find: 'set(cell + STANDARD_CELL_ADMITTED, 0);\n  set(cell + STANDARD_CELL_SUCCESSES, 0);\n  set(cell + STANDARD_CELL_FAILURES, 0);\n  set(cell + STANDARD_CELL_STATE, STANDARD_HALF_OPEN);',
    replace: 'set(cell + STANDARD_CELL_STATE, STANDARD_HALF_OPEN);',
  },
  {
    name: 'closed before the failures of before are forgotten',
    find: 'forgetWindows(cell); // results of before the opening do not count',
    replace:
      'set(cell + STANDARD_CELL_STATE, closedState(load(cell + STANDARD_CELL_POLICY))); forgetWindows(cell);',
  },
  {
    name: 'tokens are paid before the time is moved',
    find: 'set(cell + STANDARD_CELL_REFILL_MS, now);\n  set(cell + STANDARD_CELL_TOKENS, tokens);',
    replace: 'set(cell + STANDARD_CELL_TOKENS, tokens);\n  set(cell + STANDARD_CELL_REFILL_MS, now);',
  },
];

test(
  'the twin keeps its fields under the mutex and survives a death at any step, and every mutant is caught',
  { timeout: 60_000 },
  () => {
    const { baseline, kills } = killsMutants<Kernel>({
      kernel: new URL('../kernel/index.ts', import.meta.url),
      mutants,
      scenarios: [...together, ...alone],
    });
    expect(baseline).toHaveLength(together.length + alone.length);
    expect(kills).toHaveLength(mutants.length);
  },
);
