// A check that fails, is late, or does not begin.
import { expect, test, vi } from 'vitest';
import { CheckTimeoutError, probeCheck } from '../../src/health/index.ts';
import { settle } from './fake-clock.ts';
import { Dial, scene } from './scene.ts';

test('a check that throws, rejects or measures nonsense has failed, and says why', async () => {
  const dial = new Dial({ warn: { at: 10, after: 1, recoverAfter: 1 } });
  const { clock, monitor, told } = scene([dial]);
  const answers: [() => unknown, string][] = [
    [
      () => {
        throw new Error('no such file');
      },
      'no such file',
    ],
    [() => Promise.reject(new Error('refused')), 'refused'],
    [() => Promise.reject(404), 'threw 404'],
    [() => Number.NaN, 'check dial has measured NaN, expected a finite number'],
    [() => Promise.resolve(Infinity), 'check dial has measured Infinity, expected a finite number'],
    [() => undefined, 'check dial has measured undefined, expected a number'],
    [() => ({ value: '7' }), 'check dial has measured [object Object], expected a number'],
    [() => true, 'check dial has measured true, expected a number'],
    [() => Promise.reject({ message: 'of another realm' }), 'dial: of another realm'],
    [() => Promise.reject(new Error('')), 'dial: failed without a message'],
    [() => Promise.reject(new Error('x'.repeat(1000))), `dial: ${'x'.repeat(500)}…`],
    [
      () => ({
        get value() {
          throw new Error('of a getter');
        },
      }),
      'dial: of a getter',
    ],
  ];
  for (const [reading, why] of answers) {
    dial.reading = reading as Dial['reading'];
    await clock.pass(1000);
    expect(monitor.report().reasons.join()).toContain(why);
    expect(monitor.report()).toMatchObject({
      state: 'degraded',
      score: 0,
      checks: [{ standing: 'warning', value: null }],
    });
    dial.reading = () => 1;
    await clock.pass(1000);
    expect(monitor.state).toBe('ready');
  }
  expect(told.filter((each) => each.startsWith('warning'))).toHaveLength(answers.length);
  expect(told.filter((each) => each.startsWith('recovery'))).toHaveLength(answers.length);
  monitor[Symbol.dispose]();
});

test('a check that takes too long has failed; it is told, and not started again before it has ended', async () => {
  const signals: AbortSignal[] = [];
  let end: () => void = () => {};
  const probe = probeCheck({
    name: 'database',
    timeoutMs: 2500,
    after: 2,
    probe: (signal) => {
      signals.push(signal);
      return new Promise<void>((resolve) => (end = resolve));
    },
  });
  const { clock, monitor, told } = scene([probe]);
  await clock.pass(2400);
  expect(monitor.report().checks[0]).toMatchObject({ standing: 'unsettled', detail: null });
  await clock.pass(100);
  expect(signals).toHaveLength(1);
  expect(signals[0]?.reason).toBeInstanceOf(CheckTimeoutError);
  expect(monitor.report().reasons).toEqual(['database: check database has not answered in 2500 ms']);
  await clock.pass(500);
  expect(told).toEqual(['warning database critical', 'starting > unready']);
  expect(monitor.report().reasons).toEqual([
    'database: check database is still running after 3000 ms, expected an end within 2500 ms',
  ]);
  end();
  await settle();
  expect(monitor.state).toBe('unready');
  await clock.pass(1000);
  end();
  await settle();
  expect(signals).toHaveLength(2);
  expect(told.slice(2)).toEqual(['recovery database critical', 'unready > ready']);
  monitor[Symbol.dispose]();
});

test('a check whose beginning rejects has failed, each time; one that is still beginning is not measured, and is late', async () => {
  const unhandled = vi.fn<() => void>();
  process.on('unhandledRejection', unhandled);
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const broken = new Dial({ name: 'broken', begin: async () => Promise.reject(new Error('can not')) });
  const slow = new Dial({ name: 'slow', timeoutMs: 2500, begin: () => begun });
  const { clock, monitor, told } = scene([broken, slow]);
  const of = (name: string): unknown => monitor.report().checks.find((check) => check.name === name);
  await clock.pass(2000);
  expect(of('broken')).toMatchObject({ detail: 'can not', value: null });
  expect(told).toContain('warning broken warn');
  expect([broken.measured, slow.measured, unhandled.mock.calls.length]).toEqual([0, 0, 0]);
  await clock.pass(1000);
  expect(of('slow')).toMatchObject({ detail: expect.stringContaining('2500 ms') as string });
  resolve();
  await settle();
  await clock.pass(2000);
  expect(of('slow')).toMatchObject({ value: 0 });
  expect([broken.measured, slow.measured]).toEqual([0, 2]);
  process.off('unhandledRejection', unhandled);
  monitor[Symbol.dispose]();
});
