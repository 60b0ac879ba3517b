import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Arena } from '@corelane/shared-memory';
import { afterEach, expect, test, vi } from 'vitest';
import { publishTo, type PublishOptions, type SnapshotMessage } from '../../src/channel/index.ts';
import { ArgumentRangeError, Registry } from '../../src/index.ts';

const NAME = 'corelane:test';
const endings: (() => void)[] = [];
afterEach(() => void vi.restoreAllMocks());
afterEach(() => endings.splice(0).forEach((end) => end()));

/** Time that passes when a test says so. */
class ByHand {
  readonly stopped = vi.fn<() => void>();
  readonly intervals: number[] = [];
  pass: () => void = () => {};

  every(intervalMs: number, run: () => void): () => void {
    this.intervals.push(intervalMs);
    this.pass = run;
    return this.stopped;
  }
}

function counting(options: PublishOptions = {}) {
  const registry = Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 8, writers: 2, metrics: 8 });
  const timers = new ByHand();
  const snapshot = vi.spyOn(registry.reader, 'snapshot');
  const publisher = publishTo(NAME, registry.reader, { timers, ...options });
  const counter = registry.counter({ name: 'a_total', help: 'A' });
  registry.gauge({ name: 'g', help: 'G' }).set(1);
  /** A tick, and all that follows from it. */
  const tick = async (): Promise<void> => {
    timers.pass();
    await Promise.allSettled(snapshot.mock.results.map(({ value }) => value as Promise<unknown>));
    await new Promise((resolve) => void setImmediate(resolve));
  };
  return { counter, publisher, snapshot, tick, timers };
}

function listen(to: (message: SnapshotMessage) => void = () => {}): {
  messages: SnapshotMessage[];
  stop: () => void;
} {
  const messages: SnapshotMessage[] = [];
  const listener = (message: unknown): void => {
    messages.push(message as SnapshotMessage);
    to(message as SnapshotMessage);
  };
  subscribe(NAME, listener);
  const stop = (): void => void unsubscribe(NAME, listener);
  endings.push(stop);
  return { messages, stop };
}

test('nothing is read while nobody listens', async () => {
  const { publisher, snapshot, tick } = counting();
  await tick();
  await tick();
  expect(snapshot).not.toHaveBeenCalled();
  expect(publisher.published).toBe(0);
});

test('subscribers get a snapshot each time, and what has changed since the last one', async () => {
  const { counter, publisher, tick, timers } = counting({ names: ['a_total'], intervalMs: 250 });
  const { messages } = listen();
  counter.inc(3);
  await tick();
  counter.inc(4);
  await tick();
  expect(timers.intervals).toEqual([250]);
  expect(publisher).toMatchObject({ published: 2, channelName: NAME });
  expect(messages.map(({ snapshot }) => snapshot.metrics)).toMatchObject([
    [{ name: 'a_total', series: [{ value: 3 }] }],
    [{ name: 'a_total', series: [{ value: 7 }] }],
  ]);
  expect(messages[0]?.diff).toBeNull();
  expect(messages[1]?.diff?.metrics).toMatchObject([{ series: [{ change: 4 }] }]);
});

test('after a time without subscribers there is no difference to something long ago', async () => {
  const { tick } = counting();
  const first = listen();
  await tick();
  first.stop();
  await tick();
  const second = listen();
  await tick();
  expect(second.messages.map(({ diff }) => diff)).toEqual([null]);
});

test('a tick while a snapshot is being read is left out', async () => {
  const { snapshot, tick, timers } = counting({ onError: () => {} });
  const { messages } = listen();
  const slow = Promise.withResolvers<never>();
  snapshot.mockReturnValueOnce(slow.promise);
  timers.pass();
  timers.pass();
  expect(snapshot).toHaveBeenCalledTimes(1);
  slow.reject(new Error('done'));
  await tick();
  await tick();
  expect(messages).not.toEqual([]);
});

test('a reader that fails is told of, and asked again', async () => {
  const errors: unknown[] = [];
  const { snapshot, tick } = counting({ onError: (error) => errors.push(error) });
  const { messages } = listen();
  const failure = new Error('no memory');
  snapshot.mockRejectedValueOnce(failure);
  await tick();
  await tick();
  expect(errors).toEqual([failure]);
  expect(messages).toHaveLength(1);
});

test('a callback for errors that throws ends neither the process nor the messages', async () => {
  const warnings: unknown[] = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(warning));
  const thrown = new Error('of the callback');
  const { snapshot, tick } = counting({
    onError: () => {
      throw thrown;
    },
  });
  const { messages } = listen();
  snapshot.mockRejectedValueOnce(new Error('no memory'));
  await tick();
  await tick();
  expect(warnings).toEqual([thrown]);
  expect(messages).toHaveLength(1);
});

test('ends with its signal or when disposed, also in the middle of a snapshot, and once', async () => {
  const controller = new AbortController();
  const onError = vi.fn<(error: unknown) => void>();
  const { publisher, tick, timers } = counting({ signal: controller.signal, onError });
  const { messages } = listen();
  const ticked = tick();
  controller.abort();
  await ticked;
  expect(messages).toEqual([]);
  expect(timers.stopped).toHaveBeenCalledTimes(1);
  publisher[Symbol.dispose]();
  publisher[Symbol.dispose]();
  expect(timers.stopped).toHaveBeenCalledTimes(1);
  expect(onError).not.toHaveBeenCalled();
  expect(() => counting({ signal: controller.signal })).toThrow(controller.signal.reason as Error);
});

test('a subscriber that disposes it gets no more', async () => {
  const { publisher, tick, timers } = counting();
  const { messages } = listen(() => publisher[Symbol.dispose]());
  await tick();
  expect(timers.stopped).toHaveBeenCalledTimes(1);
  expect(messages).toHaveLength(1);
});

test('keeps no process alive, and leaves no listener on its signal', () => {
  const controller = new AbortController();
  const add = vi.spyOn(controller.signal, 'addEventListener');
  const { reader } = Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 8, writers: 2, metrics: 8 });
  const before = process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
  const publisher = publishTo(NAME, reader, { signal: controller.signal });
  expect(process.getActiveResourcesInfo().filter((each) => each === 'Timeout')).toHaveLength(before);
  publisher[Symbol.dispose]();
  const options = add.mock.calls[0]?.[2] as AddEventListenerOptions;
  expect(options.signal?.aborted).toBe(true);
  expect(channel(NAME).hasSubscribers).toBe(false);
});

test('options that mean nothing are refused', () => {
  const wrong: readonly object[] = [
    { intervalMs: 0 },
    { intervalMs: NaN },
    { intervalMs: 2 ** 31 },
    { names: 'a_total' },
    { interval: 5 },
  ];
  for (const options of wrong) expect(() => counting(options)).toThrow(ArgumentRangeError);
});
