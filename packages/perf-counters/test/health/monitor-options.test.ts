import { expect, test } from 'vitest';
import { ArgumentRangeError } from '../../src/index.ts';
import { HealthMonitor, type Measured } from '../../src/health/index.ts';
import { Dial } from './scene.ts';

const ok = (): Measured => 0;
const REFUSED: [string, () => unknown, string][] = [
  ['no checks', () => new HealthMonitor({ checks: [] }), 'checks.length is 0, expected at least 1'],
  [
    'a name twice',
    () => new HealthMonitor({ checks: [new Dial(), new Dial()] }),
    'name of a check is "dial", expected each name once',
  ],
  [
    'an option that there is not',
    () => new HealthMonitor({ checks: [new Dial()], interval: 5 } as never),
    'option of HealthMonitor is "interval", expected one of checks',
  ],
  [
    'an interval of nothing',
    () => new HealthMonitor({ checks: [new Dial()], intervalMs: 0 }),
    'intervalMs is 0, expected a number from 10',
  ],
  [
    'staleness before the next turn',
    () => new HealthMonitor({ checks: [new Dial()], staleAfterMs: 10 }),
    'staleAfterMs is 10',
  ],
  [
    'a clock that is none',
    () => new HealthMonitor({ checks: [new Dial()], clock: performance as never }),
    'clock.after is undefined',
  ],
  [
    'a misspelt threshold',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: { over: 3 } as never, measure: ok }] }),
    'option of warn of check x is "over", expected one of at, recoverAt, after, recoverAfter',
  ],
  [
    'a check without thresholds',
    () => new HealthMonitor({ checks: [{ name: 'x', measure: ok }] }),
    'warn of check x is undefined',
  ],
  [
    'recovery beyond the threshold',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: { at: 5, recoverAt: 6 }, measure: ok }] }),
    'recoverAt, warn of check x is 6, expected a number not above 5',
  ],
  [
    'recovery beyond a threshold below',
    () =>
      new HealthMonitor({
        checks: [{ name: 'x', direction: 'below', warn: { at: 5, recoverAt: 4 }, measure: ok }],
      }),
    'recoverAt, warn of check x is 4, expected a number not below 5',
  ],
  [
    'critical before the warning',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: 5, critical: 4, measure: ok }] }),
    'critical of check x is 4, expected at least 5',
  ],
  [
    'no value as threshold',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: Number.NaN, measure: ok }] }),
    'at, warn of check x is NaN',
  ],
  [
    'zero in a row',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: { at: 1, after: 0 }, measure: ok }] }),
    'after, warn of check x is 0',
  ],
  [
    'no measure',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: 1 } as never] }),
    'check is [object Object], expected an object with a name and measure()',
  ],
  [
    'more often than the monitor',
    () => new HealthMonitor({ checks: [{ name: 'x', warn: 1, intervalMs: 10, measure: ok }] }),
    'intervalMs of check x is 10, expected a number from 1000',
  ],
];

test.each(REFUSED)('%s is refused, before anything is begun', (_, make, message) => {
  expect(make).toThrow(ArgumentRangeError);
  expect(make).toThrow(message);
});
