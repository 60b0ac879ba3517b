import { killsMutants, peek, poke, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import type * as kernel from '../kernel/coarse-clock.ts';
import { coarseClockRoot } from '../src/layout.ts';

type Kernel = typeof kernel;

const CLOCK = 128;
const NOW = CLOCK + coarseClockRoot.offset.now;
const TICKER = CLOCK + coarseClockRoot.offset.ticker;
const BYTES = CLOCK + coarseClockRoot.bytes;
const names = { [NOW]: 'now', [TICKER]: 'ticker', [CLOCK + coarseClockRoot.offset.serial]: 'serial' };
/** The last millisecond before the word wraps. */
const LAST = 0x7fffffff;

function forward(k: Kernel, start: number): Scenario {
  const at = (ms: number): number => (start + ms) | 0;
  return {
    name: `forward only, from ${start}`,
    bytes: BYTES,
    names,
    setup: () => poke(NOW, start),
    threads: [
      () => [k.advanceClock(CLOCK, at(1)), k.advanceClock(CLOCK, at(3))],
      () => [k.advanceClock(CLOCK, at(2))],
      () => [k.readClock(CLOCK), k.readClock(CLOCK)],
    ],
    check: (results: readonly number[][]) => {
      const [one, two, seen] = results.map((times) => times.map((time) => (time - start) | 0));
      if (peek(NOW) !== at(3)) return `ends at ${peek(NOW) - start}, expected 3`;
      if (seen![1]! < seen![0]!) return `a reader saw ${seen!.join(' then ')}`;
      if (one![0]! < 1 || one![1]! !== 3 || two![0]! < 2)
        return `an advance returned less: ${one!.join()} ${two!.join()}`;
      return undefined;
    },
  };
}

/** Each tries to take over from `from`; who holds the clock gives it up again. */
function claims(k: Kernel, from: number): Scenario {
  const claim = (): number[] => {
    const token = k.claimTicker(CLOCK, from);
    return [token, token === 0 ? -1 : k.tickerOf(CLOCK) === token ? 1 : 0];
  };
  return {
    name: `one of three takes over from ${from}`,
    bytes: BYTES,
    names,
    setup: () => poke(TICKER, from),
    threads: [claim, claim, claim],
    check: (results: readonly number[][]) => {
      const won = results.filter(([token]) => token !== 0);
      if (won.length !== 1) return `${won.length} tickers`;
      return won[0]![1] === 1 && peek(TICKER) === won[0]![0]
        ? undefined
        : 'the winner does not hold the clock';
    },
  };
}

/** The old ticker is slow, not dead: giving the clock up must not end its successor. */
function lateRelease(k: Kernel): Scenario {
  return {
    name: 'a late release leaves the successor alone',
    bytes: BYTES,
    names,
    setup: () => {
      poke(TICKER, 7);
      poke(CLOCK + coarseClockRoot.offset.serial, 7);
    },
    threads: [() => k.releaseTicker(CLOCK, 7), () => k.claimTicker(CLOCK, 7)],
    check: ([released, token]: readonly number[]) => {
      if (token !== 0)
        return released === 0 && peek(TICKER) === token ? undefined : 'the successor lost the clock';
      return released === 1 && peek(TICKER) === 0 ? undefined : 'nobody released the clock';
    },
  };
}

/** The thread of a ticker parks on the word that names it. */
function ending(k: Kernel, timeoutUs: number): Scenario {
  return {
    name: 'giving the clock up ends its thread',
    bytes: BYTES,
    names,
    setup: () => poke(TICKER, 7),
    threads: [() => k.parkTicker(CLOCK, 7, timeoutUs), () => k.releaseTicker(CLOCK, 7)],
    check: ([goesOn]: readonly number[]) =>
      goesOn === 0 || timeoutUs >= 0 ? undefined : 'goes on without the clock',
  };
}

test('the clock goes forward only and has one ticker; wrong versions die', () => {
  const { kills, baseline } = killsMutants<Kernel>({
    kernel: new URL('../kernel/coarse-clock.ts', import.meta.url),
    scenarios: [
      (k) => forward(k, 0),
      (k) => forward(k, LAST - 1),
      (k) => claims(k, 0),
      (k) => claims(k, 7),
      lateRelease,
      (k) => ending(k, -1),
      (k) => ending(k, 1000),
    ],
    mutants: [
      {
        name: 'publishes without looking what is there now',
        find: 'if (compareExchange(clock + COARSE_CLOCK_ROOT_NOW, shown, time) == shown) return time;',
        replace: 'store(clock + COARSE_CLOCK_ROOT_NOW, time); return time;',
        expect: 'check',
      },
      {
        name: 'gives up after a lost race',
        find: 'if (compareExchange(clock + COARSE_CLOCK_ROOT_NOW, shown, time) == shown) return time;',
        replace: 'compareExchange(clock + COARSE_CLOCK_ROOT_NOW, shown, time); return time;',
        expect: 'check',
      },
      {
        name: 'compares times as numbers: stands when the word wraps',
        find: '((time - shown) | 0) <= 0',
        replace: 'time <= shown',
        expect: 'check',
      },
      {
        name: 'claims by store',
        find: 'return compareExchange(clock + COARSE_CLOCK_ROOT_TICKER, from, token) == from ? token : 0;',
        replace:
          'if (load(clock + COARSE_CLOCK_ROOT_TICKER) != from) return 0; store(clock + COARSE_CLOCK_ROOT_TICKER, token); return token;',
        expect: 'check',
      },
      {
        name: 'tokens are not unique',
        find: '(add(clock + COARSE_CLOCK_ROOT_SERIAL, 1) + 1) | 0',
        replace: '7',
        expect: 'check',
      },
      {
        name: 'releases whoever holds it',
        find: 'if (compareExchange(clock + COARSE_CLOCK_ROOT_TICKER, token, 0) != token) return 0;',
        replace: 'store(clock + COARSE_CLOCK_ROOT_TICKER, 0);',
        expect: 'check',
      },
      {
        name: 'does not wake the thread of the ticker',
        find: 'notify(clock + COARSE_CLOCK_ROOT_TICKER, -1);',
        replace: '',
        expect: 'deadlock',
      },
      {
        name: 'goes on after it lost the clock',
        find: 'return load(clock + COARSE_CLOCK_ROOT_TICKER) == token ? 1 : 0;',
        replace: 'load(clock + COARSE_CLOCK_ROOT_TICKER); return 1;',
        expect: 'check',
      },
    ],
  });
  expect(kills).toHaveLength(8);
  for (const { accesses, complete } of baseline) {
    expect(accesses).toBeGreaterThan(0);
    expect(complete).toBe(true);
  }
});
