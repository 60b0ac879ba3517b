import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { ArgumentRangeError, Registry, RedefinitionError, RegistryDisposedError } from '../src/index.ts';

interface FakeClock {
  ms: number;
  reads: number;
  now(): number;
}

function scene(): { registry: Registry; clock: FakeClock } {
  const clock: FakeClock = {
    ms: 1000,
    reads: 0,
    now() {
      this.reads++;
      return this.ms;
    },
  };
  return { registry: Registry.create(Arena.create({ bytes: 1 << 21 }), { writers: 3 }), clock };
}

const named = { name: 'job_seconds', help: 'Jobs' } as const;

describe('a timer', () => {
  test('measures with its clock, once', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    {
      using running = timer.start();
      clock.ms += 1500;
      expect(running.stop()).toBe(1500);
      clock.ms += 1;
      expect(running.stop()).toBe(1500);
    }
    const start = timer.now();
    clock.ms += 500;
    expect(timer.recordSince(start)).toBe(500);
    clock.ms -= 5;
    expect(timer.recordSince(clock.ms + 5)).toBe(0); // a clock that went back
    const { count, sum, min, max } = timer.distribution();
    expect({ count, sum, min, max }).toEqual({ count: 3, sum: 2, min: 0, max: 1.5 });
    expect(() => timer.record(-1)).toThrow(ArgumentRangeError);
    expect(() => timer.record(NaN)).toThrow(ArgumentRangeError);
    for (const noNumber of [null, '5', 5n, undefined])
      expect(() => timer.record(noNumber as never)).toThrow(ArgumentRangeError);
  });

  test('times a function, whether it returns or throws, and hands on what it does', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    expect(timer.time(() => ((clock.ms += 250), 'done'))).toBe('done');
    const fail = (): never => {
      clock.ms += 750;
      throw new Error('failed');
    };
    expect(() => timer.time(fail)).toThrow('failed');
    const { count, sum, max } = timer.distribution();
    expect({ count, sum, max }).toEqual({ count: 2, sum: 1, max: 0.75 });
  });

  test('times an asynchronous function until its promise is settled', async () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    const { promise, resolve } = Promise.withResolvers<number>();
    const timed = timer.timeAsync(() => promise);
    clock.ms += 400;
    expect(timer.distribution().count).toBe(0);
    resolve(7);
    expect(await timed).toBe(7);
    const failing = timer.timeAsync(async () => {
      clock.ms += 100;
      throw new Error('failed');
    });
    await expect(failing).rejects.toThrow('failed');
    expect(await timer.timeAsync(() => 3)).toBe(3);
    const { count, sum } = timer.distribution();
    expect({ count, sum }).toEqual({ count: 3, sum: 0.5 });
  });

  test('hands on what a function does whose registry is disposed meanwhile, and calls none after that', async () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    const { promise, resolve } = Promise.withResolvers<number>();
    const timed = timer.timeAsync(() => promise);
    const running = timer.start();
    const { reader } = registry;
    expect(timer.time(() => (registry[Symbol.dispose](), 'done'))).toBe('done');
    resolve(7);
    expect(await timed).toBe(7);
    for (let i = 0; i < 2; i++) expect(() => running.stop()).toThrow(RegistryDisposedError);
    let calls = 0;
    expect(() => timer.time(() => calls++)).toThrow(RegistryDisposedError);
    await expect(timer.timeAsync(() => calls++)).rejects.toThrow(RegistryDisposedError);
    expect(calls).toBe(0);
    expect(reader.prometheusText()).toContain('job_seconds_count 0\n');
  });

  test('that was stopped is not started again by whoever still holds it', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    const stale = timer.start();
    clock.ms += 10;
    stale.stop();
    const other = timer.start();
    clock.ms += 100;
    expect(stale.stop()).toBe(10);
    stale[Symbol.dispose]();
    expect(timer.distribution().count).toBe(1);
    expect(other.stop()).toBe(100);
    expect(timer.distribution().count).toBe(2);
  });

  test('refuses a clock that is none when it is defined, and so does a rate', () => {
    const { registry } = scene();
    for (const clock of [{}, null, 5] as never[]) {
      expect(() => registry.timer({ ...named, clock })).toThrow(ArgumentRangeError);
      expect(() => registry.rate({ name: 'a_total', help: '', clock })).toThrow(ArgumentRangeError);
    }
    expect(registry.read().metrics).toEqual([]);
  });

  test('rounds to the nearest nanosecond', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    clock.ms = 0;
    const start = timer.now();
    clock.ms = 1.7e-6;
    timer.recordSince(start);
    timer.record(2.6e-6);
    expect(timer.distribution().sum).toBe(5e-9);
  });

  test('refuses a start that is no time', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    expect(() => timer.recordSince(NaN)).toThrow(ArgumentRangeError);
    for (const interval of [0, -1, NaN, 1e-7])
      expect(() => timer.recordCorrected(10, interval)).toThrow('expectedIntervalMs');
    expect(timer.distribution().count).toBe(0);
  });

  test('corrects for what a steady load could not ask meanwhile', () => {
    const { registry } = scene();
    const timer = registry.timer(named);
    timer.recordCorrected(100, 25);
    const { count, sum, min } = timer.distribution();
    expect({ count, sum, min }).toEqual({ count: 4, sum: 0.25, min: 0.025 });
  });
});

describe('a batch', () => {
  test('is as many values of its mean, with one pair of reads, and an exact sum', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    {
      using batch = timer.batch(7);
      clock.ms += 1; // 10^6 ns: 142857 each, and one left over
      expect(batch.stop()).toBe(1);
      expect(batch.stop()).toBe(1);
    }
    expect(clock.reads).toBe(2);
    const { count, sum, min, max } = timer.distribution();
    expect({ count, sum, min, max }).toEqual({ count: 7, sum: 0.001, min: 142857e-9, max: 142858e-9 });
  });

  test('on a clock that went back took no time', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    const batch = timer.batch(3);
    clock.ms -= 5;
    expect(batch.stop()).toBe(0);
    const { count, sum } = timer.distribution();
    expect({ count, sum }).toEqual({ count: 3, sum: 0 });
  });

  test('of nothing records nothing, and what is no batch is refused before it begins', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock });
    timer.batch(0).stop();
    timer.recordBatch(5, 0);
    for (const count of [-1, 0.5, NaN, 2 ** 31]) {
      expect(() => timer.batch(count)).toThrow(ArgumentRangeError);
      expect(() => timer.recordBatch(1, count)).toThrow(ArgumentRangeError);
    }
    for (const ms of [-1, NaN, Infinity]) expect(() => timer.recordBatch(ms, 1)).toThrow(ArgumentRangeError);
    expect(timer.distribution().count).toBe(0);
  });
});

describe('sampling', () => {
  test('times one call of each row, counts all, and reads the clock only for those that it times', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock, sampleEvery: 16 });
    const places: number[] = [];
    for (let row = 0; row < 200; row++) {
      let timed = 0;
      for (let place = 0; place < 16; place++) {
        const running = timer.start();
        clock.ms += 2;
        if (Number.isNaN(running.stop())) continue;
        timed++;
        places.push(place);
      }
      expect(timed).toBe(1);
    }
    expect(new Set(places).size).toBe(16); // not always the same place
    expect(clock.reads).toBe(2 * 200);
    expect(timer.calls()).toBe(3200);
    expect(timer.distribution().count).toBe(200);
    expect(timer.distribution().mean).toBe(0.002);
    expect(registry.prometheusText()).toContain('job_calls_total 3200\n');
  });

  test('holds for all ways of timing, and what is recorded anyway is counted', async () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock, sampleEvery: 4 });
    for (let i = 0; i < 4; i++) timer.recordSince(timer.now());
    for (let i = 0; i < 4; i++) timer.time(() => undefined);
    for (let i = 0; i < 4; i++) await timer.timeAsync(async () => undefined);
    expect([timer.calls(), timer.distribution().count]).toEqual([12, 3]);
    timer.record(5);
    timer.recordCorrected(5, 5);
    timer.batch(10).stop();
    expect([timer.calls(), timer.distribution().count]).toEqual([24, 15]);
  });

  test('counts by the labels of the timer, also beyond its limit of series', () => {
    const { registry, clock } = scene();
    const timer = registry.timer({ ...named, clock, labels: ['kind'], maxSeries: 2, sampleEvery: 2 });
    for (const kind of ['a', 'b', 'c', 'd']) for (let i = 0; i < 6; i++) timer.labels(kind).start().stop();
    expect(['a', 'b', 'c'].map((kind) => timer.labels(kind).calls())).toEqual([6, 6, 12]);
    expect(registry.prometheusText()).toContain('job_calls_total{kind="other"} 12\n');
  });

  test('is part of the definition, on every thread', () => {
    const { registry } = scene();
    registry.timer({ ...named, sampleEvery: 16 });
    const other = Registry.attach(registry.handle);
    expect(() => other.timer(named)).toThrow(RedefinitionError);
    expect(() => other.timer({ ...named, sampleEvery: 8 })).toThrow('sampleEvery 16');
    other.timer({ ...named, sampleEvery: 16 });
    for (const sampleEvery of [0, 1.5, 2 ** 21])
      expect(() => registry.timer({ name: 'x_seconds', help: '', sampleEvery })).toThrow(ArgumentRangeError);
    expect(registry.timer({ name: 'all_seconds', help: '', sampleEvery: 1 }).calls()).toBe(0);
    expect(registry.prometheusText()).not.toContain('all_calls_total');
  });

  test('that is refused leaves no counter of calls', () => {
    const { registry } = scene();
    registry.timer(named);
    expect(() => registry.timer({ ...named, sampleEvery: 4 })).toThrow(RedefinitionError);
    expect(registry.read().metrics.map(({ name }) => name)).toEqual(['job_seconds']);
  });

  test('counts in no counter of somebody else', () => {
    const { registry } = scene();
    const calls = { name: 'job_calls_total', help: '' } as const;
    const [first, second] = [registry, scene().registry];
    first.counter(calls).inc(100);
    expect(() => first.timer({ ...named, sampleEvery: 4 })).toThrow(RedefinitionError);
    second.timer({ ...named, sampleEvery: 4 });
    expect(() => second.counter(calls)).toThrow('sampleEvery 4');
  });

  test('ends with the registry', () => {
    const { registry } = scene();
    const timer = registry.timer({ ...named, sampleEvery: 16 });
    registry[Symbol.dispose]();
    expect(() => timer.start()).toThrow(RegistryDisposedError);
  });
});
