// All interleavings of parking and unparking: no token is lost, none is had twice, and nobody waits for one that was given.
import { killsMutants, poke, peek, repeat, type Mutant, type Scenario } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import { loadWord, storeWord, waitWord, wakeWord } from '../kernel/words.ts';
import { HAD, TOKEN_NONE, WAITS, WOKEN } from '../../src/thread/token.ts';

/** In the model a word is an address. */
interface Kernel {
  takeToken(at: number): number;
  awaitToken(at: number, timeoutUs: number): number;
  dropToken(at: number): number;
  giveToken(at: number): number;
}

const TOKEN = 0;
/** What the thread has done, for the other one to see. */
const DONE = 8;
const NAMES = { [TOKEN]: 'token', [DONE]: 'done' };

function tell(value: number): void {
  storeWord(DONE, value);
  wakeWord(DONE);
}

function untilTold(): void {
  while (loadWord(DONE) === 0) waitWord(DONE, 0);
}

/** As `park` does it, without a time-out. */
function park(k: Kernel): number {
  let outcome = k.takeToken(TOKEN);
  while (outcome === WAITS) outcome = k.awaitToken(TOKEN, -1);
  return outcome;
}

/** The same with one: the wait may end without a token. */
function parkFor(k: Kernel): number {
  if (k.takeToken(TOKEN) === HAD) return HAD;
  return k.awaitToken(TOKEN, 50) === WOKEN ? WOKEN : k.dropToken(TOKEN);
}

const setup = (): void => {
  poke(TOKEN, TOKEN_NONE);
  poke(DONE, 0);
};

const scenario = (
  name: string,
  threads: Scenario['threads'],
  check: (results: any) => string | undefined,
): Scenario => ({ name, bytes: 16, names: NAMES, setup, threads, check, maxSteps: 200 });

const isEmpty = (): string | undefined =>
  peek(TOKEN) === TOKEN_NONE ? undefined : `the token is ${peek(TOKEN)} in the end`;

const SCENARIOS: ((k: Kernel) => Scenario)[] = [
  (k) =>
    scenario(
      'each token that is given after the one before was taken is taken',
      [
        repeat(
          0,
          (taken) => {
            park(k);
            tell(taken + 1);
            return taken + 1;
          },
          (taken) => taken === 2,
        ),
        () => {
          k.giveToken(TOKEN);
          untilTold();
          k.giveToken(TOKEN);
        },
      ],
      isEmpty,
    ),
  (k) =>
    scenario(
      'a token that a time-out has missed is there for the next park',
      [() => (parkFor(k) === WAITS ? park(k) : WOKEN), () => k.giveToken(TOKEN)],
      isEmpty,
    ),
  (k) =>
    scenario(
      'a wake-up that comes late is no token',
      [
        () => {
          const hasGivenUp = parkFor(k) === WAITS;
          tell(1);
          park(k);
          // What was given after it had given up is the first one.
          return hasGivenUp || loadWord(DONE) === 2 ? 'right' : 'a token that nobody has given';
        },
        () => {
          k.giveToken(TOKEN);
          untilTold();
          storeWord(DONE, 2);
          k.giveToken(TOKEN);
        },
      ],
      ([thread]) => (String(thread).startsWith('a token') ? String(thread) : undefined),
    ),
  (k) =>
    scenario(
      'two that give it wake the thread, and leave one token at most',
      [() => park(k), () => k.giveToken(TOKEN), () => k.giveToken(TOKEN)],
      ([, one, other]) => (Number(one) + Number(other) > 1 ? 'one waiter was woken twice' : undefined),
    ),
];

const MUTANTS: (Mutant & { readonly by: string })[] = [
  {
    name: 'gives the token without waking',
    by: 'each token that is given after the one before was taken is taken',
    find: '  notify(at, -1);',
    replace: '',
    expect: 'deadlock',
  },
  {
    name: 'wakes only where nobody waits',
    by: 'two that give it wake the thread, and leave one token at most',
    find: 'if (exchange(at, TOKEN_GIVEN) !== TOKEN_AWAITED) return 0;',
    replace: 'if (exchange(at, TOKEN_GIVEN) === TOKEN_AWAITED) return 0;',
  },
  {
    name: 'takes a wake-up for the token',
    by: 'a wake-up that comes late is no token',
    find: 'return compareExchange(at, TOKEN_GIVEN, TOKEN_NONE) === TOKEN_GIVEN ? WOKEN : WAITS;',
    replace: 'return exchange(at, TOKEN_NONE) === TOKEN_GIVEN || timeoutUs < 0 ? WOKEN : WAITS;',
  },
  {
    name: 'gives up without looking whether the token has come',
    by: 'a token that a time-out has missed is there for the next park',
    find: 'return exchange(at, TOKEN_NONE) === TOKEN_GIVEN ? WOKEN : WAITS;',
    replace: 'exchange(at, TOKEN_NONE); return WAITS;',
    expect: 'deadlock',
  },
  {
    name: 'keeps the token that it has taken',
    by: 'each token that is given after the one before was taken is taken',
    find: 'return sub(at, 1) === TOKEN_GIVEN ? HAD : WAITS;',
    replace: 'if (load(at) === TOKEN_GIVEN) return HAD; sub(at, 1); return WAITS;',
  },
  {
    name: 'forgets what was given before it waits',
    by: 'a token that a time-out has missed is there for the next park',
    find: 'return sub(at, 1) === TOKEN_GIVEN ? HAD : WAITS;',
    replace: 'exchange(at, TOKEN_AWAITED); return WAITS;',
    expect: 'deadlock',
  },
];

describe('the token of a thread, all interleavings', () => {
  test.each(SCENARIOS.map((make) => [make({} as Kernel).name ?? '', make] as const))(
    '%s, and the mutants that it is for die',
    { timeout: 60_000 },
    (name, make) => {
      const mutants = MUTANTS.filter(({ by }) => by === name);
      const { baseline, kills } = killsMutants<Kernel>({
        kernel: new URL('../../src/thread/token.ts', import.meta.url),
        mutants,
        scenarios: [make],
      });
      expect(baseline).toMatchObject([{ complete: true }]);
      expect(baseline[0]?.accesses).toBeGreaterThan(0);
      expect(kills).toHaveLength(mutants.length);
    },
  );

  test('each mutant has its scenario', () => {
    const names = new Set(SCENARIOS.map((make) => make({} as Kernel).name));
    expect(MUTANTS.filter(({ by }) => !names.has(by))).toEqual([]);
  });
});
