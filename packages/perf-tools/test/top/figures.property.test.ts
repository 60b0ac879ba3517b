import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { figure, percent, uptime, type Quantity } from '../../src/top/figures.ts';

test.each<[number | null | undefined, Quantity, string]>([
  [0, 'plain', '0'],
  [999, 'plain', '999'],
  [999.96, 'plain', '1.00k'],
  [1000, 'plain', '1.00k'],
  [12_345, 'plain', '12.3k'],
  [-1_250_000, 'plain', '-1.25M'],
  [0.5, 'plain', '0.50'],
  [0.00042, 'plain', '0.00042'],
  [1e30, 'plain', '1.00e+30'],
  [1023, 'bytes', '1023 B'],
  [1024, 'bytes', '1.00 KiB'],
  [5.5 * 2 ** 30, 'bytes', '5.50 GiB'],
  [0, 'seconds', '0'],
  [2.5e-9, 'seconds', '2.50 ns'],
  [0.000_999_6, 'seconds', '1.00 ms'],
  [0.25, 'seconds', '250 ms'],
  [59.94, 'seconds', '59.9 s'],
  [59.96, 'seconds', '1m 00s'],
  [3725, 'seconds', '1h 02m'],
  [200_000, 'seconds', '2d 07h'],
  [1_795_325_369, 'date', '05:29:29Z'],
  [1_795_325_369 - 86_400, 'date', '2026-11-21'],
  [1e300, 'date', 'no date'],
  [Number.NaN, 'plain', 'NaN'],
  [Infinity, 'bytes', '+∞'],
  [null, 'plain', '–'],
  [undefined, 'plain', ''],
])('%s as %s is %s', (value, quantity, text) => {
  expect(figure(value, quantity, 1_795_325_369_000)).toBe(text);
});

test('a figure fits into nine columns and is within five percent of the number', () => {
  const SCALES: Record<string, number> = { '': 1, B: 1, s: 1, ms: 1e-3, µs: 1e-6, ns: 1e-9 };
  ['k', 'M', 'G', 'T', 'P', 'E'].forEach((suffix, i) => {
    SCALES[suffix] = 1000 ** (i + 1);
    SCALES[`${suffix.toUpperCase()}iB`] = 1024 ** (i + 1);
  });
  fc.assert(
    fc.property(
      fc.double({ min: -1e20, max: 1e20, noNaN: true }),
      fc.constantFrom<Quantity>('plain', 'bytes', 'seconds'),
      (value, quantity) => {
        const text = figure(value, quantity).replace('~', '');
        expect(text.length).toBeLessThanOrEqual(9);
        const [, digits, suffix] = /^(-?[\d.]+(?:e[+-]?\d+)?) ?(\D*)$/.exec(text) ?? [];
        if (digits === undefined || suffix?.endsWith('d') === true) return; // 1h 02m, 1.20k d
        const back = Number(digits) * (SCALES[suffix as string] as number);
        expect(Math.abs(back - value)).toBeLessThanOrEqual(
          Math.max(Math.abs(value) * 0.051, quantity === 'bytes' ? 0.01 : quantity === 'seconds' ? 1e-11 : 0),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test('shares and times of running', () => {
  expect([0, 0.012, 0.1, 3.5].map((share) => percent(share))).toEqual(['0.0%', '1.2%', '10%', '350%']);
  expect([-5, 7000, 66_000, 90_061_000].map((ms) => uptime(ms))).toEqual(['0s', '7s', '1m 06s', '1d 01h']);
});
