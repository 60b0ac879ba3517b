// What sources are started with is checked.
import { expect, test } from 'vitest';
import { ArgumentRangeError } from '../../src/index.ts';
import { collectDefaults, startSources } from '../../src/sources/index.ts';
import { counting } from './counting-source.ts';
import { fakeHost, newRegistry } from './fake-host.ts';

test('sources are checked for being such', () => {
  expect(() => startSources(newRegistry(), [{ ...counting().source, scope: 'machine' as 'thread' }])).toThrow(
    'sources[0] is "counting", expected a source: name, scope',
  );
  expect(() => startSources(newRegistry(), null as never)).toThrow('sources is null, expected an array');
  expect(() => startSources(newRegistry(), [null as never])).toThrow('sources[0] is null, expected a source');
  for (const opened of [null, undefined, 5, Promise.resolve(), {}])
    expect(() => startSources(newRegistry(), [counting({ open: () => opened as never }).source])).toThrow(
      'what open() of source counting returned is',
    );
});

test.each<[string, object]>([
  ['option is "interval", expected one of intervalMs', { interval: 5 }],
  ['intervalMs is 5, expected 10 to 2147483647, or Infinity', { intervalMs: 5 }],
  ['intervalMs is NaN', { intervalMs: NaN }],
  ['slowIntervalMs is 50, expected 100 to', { intervalMs: 100, slowIntervalMs: 50 }],
  ['timeoutMs is 0, expected 1 to 2147483647, or Infinity', { timeoutMs: 0 }],
  ['prefix is 3, expected a string', { prefix: 3 }],
  ['labels.a is [object Object], expected a string', { labels: { a: {} } }],
  ['processWide is "maybe", expected true, false or', { processWide: 'maybe' }],
  ['signal is 1, expected an AbortSignal', { signal: 1 }],
  ['clock is 1, expected an object with now()', { clock: 1 }],
  ['timers is [object Object], expected an object with every()', { timers: {} }],
  ['sources[0] is "cpu", expected one of', { sources: ['cpu'] }],
  ['sources[1] is "gc", expected one of', { sources: ['gc', 'gc'] }],
  ['eventLoopMonitoringPrecision is 0.5, expected an integer', { eventLoopMonitoringPrecision: 0.5 }],
  ['threadCpu is [object Object], expected an object with readNs()', { threadCpu: {} }],
  ['hardwareEvents.events is undefined', { hardwareEvents: { readInto: () => {} } }],
  ['arenas.a is [object Object], expected', { arenas: { a: {} } }],
  ['arenas.a is null, expected an object', { arenas: { a: null } }],
  ['arenas is null, expected an object', { arenas: null }],
  ['labels is null, expected an object', { labels: null }],
  ['buckets[1] is 1, expected ascending', { gcDurationBuckets: [1, 1] }],
])('options are checked: %s', (message, options) => {
  const start = (): unknown => collectDefaults(newRegistry(), options, fakeHost());
  expect(start).toThrow(ArgumentRangeError);
  expect(start).toThrow(message);
});
