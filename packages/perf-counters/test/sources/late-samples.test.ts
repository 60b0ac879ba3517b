// A source that takes its time, or never ends: it stops nobody, and what comes too late is not recorded.
import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Registry } from '../../src/index.ts';
import {
  SourcesDisposedError,
  SourceTimeoutError,
  startSources,
  type LateRecord,
  type OpenSource,
  type SampleContext,
  type Source,
  type Sources,
  type SourcesOptions,
} from '../../src/sources/index.ts';
import { counting } from './counting-source.ts';
import { FakeTimers, newRegistry, valueOf } from './fake-host.ts';

const TIMEOUT_MS = 2000;

/** A source that ends when the test says so, with what the test says; and one beside it that ends at once. */
class Scene {
  readonly registry: Registry = newRegistry();
  readonly timers = new FakeTimers();
  readonly signals: AbortSignal[] = [];
  readonly ends: ((record?: LateRecord) => void)[] = [];
  nowMs = 100;
  readonly slow: Source = {
    name: 'slow',
    scope: 'thread',
    open: (metrics) => {
      const level = metrics.gauge({ name: 'level_found', help: 'Late' })();
      return {
        sample: ({ signal }) => {
          this.signals.push(signal);
          return new Promise((resolve) => {
            const value = this.ends.push((record = () => level.set(value)) => resolve(record));
          });
        },
      };
    },
  };

  start(options: SourcesOptions = {}): Sources {
    return startSources(this.registry, [this.slow, counting().source], {
      intervalMs: 100,
      slowIntervalMs: Infinity,
      timeoutMs: TIMEOUT_MS,
      timers: this.timers,
      clock: { now: () => this.nowMs },
      ...options,
    });
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    this.timers.fire(ms);
    await nextTurn();
    await nextTurn();
  }

  value(name: string): number | undefined {
    return valueOf(this.registry, name);
  }
}

const slowOf = (sources: Sources): unknown[] => {
  const [capability, cost] = [sources.capabilities()[0], sources.costs()[0]];
  return [capability?.status, capability?.reason, cost?.samples, cost?.failures];
};

describe('a source', () => {
  test('that never ends is left out when it is late, told as failing, counted, and not read again while it runs', async () => {
    const scene = new Scene();
    using sources = scene.start();
    const sampled = sources.sample();
    expect(slowOf(sources)).toEqual(['active', null, 1, 0]);
    await scene.pass(TIMEOUT_MS);
    await sampled;
    expect(slowOf(sources)).toEqual(['failing', 'source slow has not ended in 2000 ms', 1, 1]);
    expect(scene.signals[0]?.reason).toBeInstanceOf(SourceTimeoutError);
    await scene.pass(100);
    await sources.sample();
    const reason = 'source slow is still being read after 2100 ms, expected an end within 2000 ms';
    expect(slowOf(sources)).toEqual(['failing', reason, 1, 3]);
    expect([scene.ends.length, scene.value('reads_total'), scene.timers.running.size]).toEqual([1, 4, 1]);
  });

  test('that ends late is not recorded, and is read again after that', async () => {
    const scene = new Scene();
    using sources = scene.start();
    await scene.pass(TIMEOUT_MS);
    scene.ends[0]?.();
    await nextTurn();
    expect([scene.value('level_found'), slowOf(sources)[0]]).toEqual([undefined, 'failing']);
    const sampled = sources.sample();
    expect([scene.ends.length, slowOf(sources)[0]]).toEqual([2, 'failing']);
    scene.ends[1]?.();
    await sampled;
    expect(scene.value('level_found')).toBe(2);
    expect(slowOf(sources)).toEqual(['active', null, 2, 1]);
    expect(scene.signals[1]?.aborted).toBe(false);
  });

  test('that fails after it was given up has failed once, and finds its signal aborted whenever it looks', async () => {
    const scene = new Scene();
    const { promise, reject } = Promise.withResolvers<void>();
    const contexts: SampleContext[] = [];
    const sample: OpenSource['sample'] = (context) => {
      contexts.push(context);
      return promise;
    };
    using sources = startSources(
      scene.registry,
      [{ name: 'failing', scope: 'thread', open: () => ({ sample }) }],
      { intervalMs: Infinity, timeoutMs: TIMEOUT_MS, timers: scene.timers },
    );
    await scene.pass(TIMEOUT_MS);
    expect(contexts[0]?.signal.reason).toBeInstanceOf(SourceTimeoutError);
    reject(new Error('too late'));
    await nextTurn();
    expect(slowOf(sources)).toEqual(['failing', 'source failing has not ended in 2000 ms', 1, 1]);
  });

  test('that ends in time is recorded before `sample` returns, also where its timer fires first as the loop was held up', async () => {
    const scene = new Scene();
    using sources = scene.start();
    const sampled = sources.sample();
    scene.timers.fire(TIMEOUT_MS);
    scene.ends[0]?.();
    await sampled;
    expect(scene.value('level_found')).toBe(1);
    await nextTurn();
    expect(slowOf(sources)).toEqual(['active', null, 1, 0]);
    expect([...scene.timers.running].map(({ intervalMs }) => intervalMs)).toEqual([100]);
  });

  test('that is disposed meanwhile is waited for no longer, and writes nothing over what its successor has found', async () => {
    const scene = new Scene();
    const first = scene.start();
    const sampled = first.sample();
    first[Symbol.dispose]();
    await sampled;
    expect(scene.signals[0]?.reason).toBeInstanceOf(SourcesDisposedError);
    expect(scene.timers.running.size).toBe(0);
    using second = scene.start();
    scene.ends[1]?.();
    await second.sample();
    scene.ends[0]?.();
    await nextTurn();
    expect([scene.value('level_found'), slowOf(second)[0]]).toEqual([2, 'active']);
  });

  test('that disposes of all in the middle of its sample records nothing after it', async () => {
    const scene = new Scene();
    const { slow } = scene;
    const open: Source['open'] = (metrics) => {
      const opened = slow.open(metrics) as OpenSource;
      return {
        sample: (context) => {
          if (scene.ends.length === 1) sources[Symbol.dispose]();
          return opened.sample(context);
        },
      };
    };
    const sources = startSources(scene.registry, [{ ...slow, open }], {
      intervalMs: Infinity,
      timers: scene.timers,
    });
    scene.ends[0]?.();
    await sources.sample();
    await sources.sample();
    expect([scene.signals[1]?.aborted, scene.timers.running.size]).toEqual([true, 0]);
    scene.ends[1]?.();
    await nextTurn();
    expect([scene.value('level_found'), slowOf(sources)[3]]).toEqual([undefined, 0]);
  });

  test('whose record throws is failing, and one that gives no function has recorded by itself', async () => {
    const scene = new Scene();
    using sources = scene.start();
    scene.ends[0]?.(() => {
      throw new Error('no room');
    });
    await sources.sample();
    expect(slowOf(sources)).toEqual(['failing', 'no room', 1, 1]);
    const sampled = sources.sample();
    scene.ends[1]?.({ some: 'answer' } as never);
    await sampled;
    expect(slowOf(sources)).toEqual(['active', null, 2, 1]);
  });

  test('may take for ever where it is allowed to', async () => {
    const scene = new Scene();
    using sources = scene.start({ timeoutMs: Infinity, intervalMs: Infinity });
    expect(scene.timers.running.size).toBe(0);
    scene.ends[0]?.();
    await sources.sample();
    expect(scene.value('level_found')).toBe(1);
  });
});

test('waiting for a sample ends with the signal, and what is read is recorded all the same', async () => {
  const scene = new Scene();
  using sources = scene.start();
  const aborting = new AbortController();
  const { signal } = aborting;
  const sampled = sources.sample({ signal });
  aborting.abort(new Error('the scraper has left'));
  await expect(sampled).rejects.toThrow('the scraper has left');
  await expect(sources.sample({ signal })).rejects.toThrow('the scraper has left');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  scene.ends[0]?.();
  await sources.sample({ signal: new AbortController().signal });
  expect(scene.value('level_found')).toBe(1);
  await expect(sources.sample({ names: [] } as never)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_RANGE' });
});
