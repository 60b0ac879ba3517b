import { Arena } from '@corelane/shared-memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArgumentRangeError, RateWindow, Registry } from '../src/index.ts';

/** Dropwizard Metrics 4's EWMA: a tick each five seconds, what was marked meanwhile. */
class Dropwizard {
  readonly #alpha: number;
  #rate: number | undefined;

  constructor(minutes: number) {
    this.#alpha = 1 - Math.exp(-5 / 60 / minutes);
  }

  tick(marked: number): number {
    const instant = marked / 5;
    this.#rate = this.#rate === undefined ? instant : this.#rate + this.#alpha * (instant - this.#rate);
    return this.#rate;
  }
}

function fakeClock(): { ms: number; now(): number } {
  return { ms: 0, now: (): number => clock.ms };
}
const clock = fakeClock();

test('rates that are read each five seconds are those of Dropwizard', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 10_000 }), { minLength: 1, maxLength: 60 }), (marks) => {
      const count = { all: 0, total: () => count.all };
      const window = new RateWindow(count, { clock });
      const theirs = [1, 5, 15].map((minutes) => new Dropwizard(minutes));
      for (const marked of marks) {
        count.all += marked;
        clock.ms += 5000;
        const { lastPerSecond, m1PerSecond, m5PerSecond, m15PerSecond } = window.read();
        expect(lastPerSecond).toBe(marked / 5);
        theirs.forEach((each, i) => {
          expect([m1PerSecond, m5PerSecond, m15PerSecond][i]).toBeCloseTo(each.tick(marked), 6);
        });
      }
    }),
    { numRuns: 30 },
  );
});

test('a steady rate is that rate over every window, however irregular the looks', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 2, maxLength: 30 }), (gapsMs) => {
      const start = clock.ms;
      const window = new RateWindow({ total: () => (clock.ms - start) * 0.25 }, { clock, intervalMs: 1 });
      for (const gapMs of gapsMs) {
        clock.ms += gapMs;
        const { lastPerSecond, meanPerSecond, m1PerSecond, m15PerSecond } = window.read();
        for (const rate of [lastPerSecond, meanPerSecond, m1PerSecond, m15PerSecond])
          expect(rate).toBeCloseTo(250, 6);
      }
    }),
    { numRuns: 30 },
  );
});

test('a long silence lets the rates fall as much as many short looks do', () => {
  const count = { all: 600, total: () => count.all };
  const [often, seldom] = [new RateWindow(count, { clock }), new RateWindow(count, { clock })];
  count.all += 600;
  clock.ms += 5000;
  often.read();
  seldom.read();
  for (let i = 0; i < 12; i++) {
    clock.ms += 5000;
    often.read();
  }
  expect(seldom.read().m1PerSecond).toBeCloseTo(120 / Math.E, 6);
  expect(often.read().m1PerSecond).toBeCloseTo(120 / Math.E, 6);
});

test('there is none before an interval is over, looks within one change nothing, and a reset forgets', () => {
  const count = { all: 0, total: () => count.all };
  const window = new RateWindow(count, { clock, intervalMs: 1000 });
  const none = { lastPerSecond: null, m1PerSecond: null, m5PerSecond: null, m15PerSecond: null };
  expect(window.read()).toEqual({ ...none, total: 0, meanPerSecond: null });
  count.all = 5;
  clock.ms += 999;
  expect(window.read()).toMatchObject({ ...none, total: 5 });
  clock.ms += 1;
  expect(window.read()).toMatchObject({ lastPerSecond: 5, meanPerSecond: 5, m1PerSecond: 5 });
  count.all = 6;
  clock.ms += 500;
  expect(window.read()).toMatchObject({ total: 6, lastPerSecond: 5 });
  window.reset();
  expect(window.read()).toEqual({ ...none, total: 6, meanPerSecond: null });
  for (const intervalMs of [0, -1, NaN, Infinity])
    expect(() => new RateWindow(count, { intervalMs })).toThrow(ArgumentRangeError);
});

test('a rate counts in a counter, of all threads, by labels too', () => {
  const registry = Registry.create(Arena.create({ bytes: 1 << 20 }), { writers: 2 });
  const other = Registry.attach(registry.handle);
  const options = { name: 'hits_total', help: '' };
  const rate = registry.rate({ ...options, clock, intervalMs: 1000 });
  rate.inc();
  rate.inc(2);
  other.counter(options).inc(7);
  clock.ms += 2000;
  expect(rate.rates()).toMatchObject({ total: 10, lastPerSecond: 5 });
  expect(registry.rate(options)).toBe(rate);
  expect(registry.counter(options)).toBe(rate.counter);
  expect(registry.prometheusText()).toContain('# TYPE hits_total counter\nhits_total 10\n');
  const byCode = registry.rate({ name: 'codes_total', help: '', labels: ['code'], clock, maxSeries: 1 });
  byCode.labels('200').inc(3);
  expect(byCode.labels(200)).toBe(byCode.labels('200'));
  expect(byCode.labels('404')).toBe(byCode.labels('500')); // other
  expect(byCode.labels('200').total()).toBe(3);
});

test('a rate whose window is refused leaves no counter, with labels no less than without', () => {
  const registry = Registry.create(Arena.create({ bytes: 1 << 20 }));
  for (const wrong of [{ intervalMs: 0 }, { intervalMs: '5' as never }, { clock: {} as never }]) {
    expect(() => registry.rate({ name: 'hits_total', help: '', ...wrong })).toThrow(ArgumentRangeError);
    expect(() => registry.rate({ name: 'codes_total', help: '', labels: ['code'], ...wrong })).toThrow(
      ArgumentRangeError,
    );
  }
  expect(registry.read().metrics).toEqual([]);
});
