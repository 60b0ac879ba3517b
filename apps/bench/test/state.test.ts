import { Refusal } from '@corelane/atomic-state';
import { CircuitState } from 'cockatiel';
import { describe, expect, test } from 'vitest';
import type { BenchDocument } from '../src/document.ts';
import { AtomicsEvents } from '../src/suites/state/atomics-events.ts';
import { BenchEndpoint, FAILURE_THRESHOLD } from '../src/suites/state/endpoint.ts';
import { createContender, EVENT_BYTES } from '../src/suites/state/event-ends.ts';
import { ObjectBreaker } from '../src/suites/state/object-breaker.ts';
import { createCockatiel, createOpossum, fail, Outage } from '../src/suites/state/peers.ts';
import { BareWord, bigintCas } from '../src/suites/state/words.ts';
import { runCommand } from './run-bench.ts';

test('the suite state leaves every word, breaker and count as it must', { timeout: 240_000 }, async () => {
  const { code, stdout, stderr } = await runCommand(
    ...'--suite state --quick --batch-ms 1 --warmup-ms 5 --json'.split(' '),
  );
  expect(stderr).toBe('');
  const { suites, verdict } = JSON.parse(stdout) as BenchDocument;
  expect(verdict.reasons).toEqual([]);
  expect(code).toBe(0);
  const groups = suites[0]?.groups ?? [];
  expect(groups.map(({ name }) => name)).toEqual([
    'transition',
    'admission',
    'rejection',
    'contention',
    'oversubscription',
    'events',
    'guard',
    'guard-small',
    'guard-bomb',
    'guard-format',
    'twin-1',
    'twin-2',
    'twin-4',
    'twin-8',
    'twin-16',
    'twin-latency',
    'many-1',
    'many-2',
  ]);
  for (const { cases } of groups)
    for (const { metrics } of cases) expect(metrics['nsPerOp']?.samples).toHaveLength(3);
});

describe('an endpoint of the bench', () => {
  test('notices one delivery more or less than there were', () => {
    using endpoint = new BenchEndpoint();
    const { machine, index } = endpoint;
    for (let delivery = 0; delivery < 300; delivery++)
      machine.recordDelivery(index, true, machine.tryAcquire(index));
    expect(endpoint.checkDeliveries(300)).toBeUndefined();
    expect(endpoint.checkDeliveries(299)).toBe('successes 300, expected 299; version 44, expected 43');
    expect(endpoint.checkDeliveries(301)).toMatch('expected 301');
  });

  test('notices a breaker that is not open, or that opened twice', () => {
    using endpoint = new BenchEndpoint();
    expect(endpoint.checkOpen()).toMatch('state closed, expected open');
    endpoint.trip();
    expect(endpoint.checkOpen()).toBeUndefined();
    expect(endpoint.machine.tryAcquire(endpoint.index)).toBe(Refusal.Open);
    expect(() => endpoint.trip()).toThrow('admission is -2');
  });
});

test('a bare word notices a lost addition', () => {
  const word = new BareWord();
  expect(word.kernel.addByCas(word.at, 1000)).toBe(1000);
  expect(bigintCas(word.words, word.at >> 3, 24)).toBe(24);
  expect(word.check(1024)).toBeUndefined();
  expect(word.check(1025)).toBe('the word holds 1024, expected 1025');
});

describe('events between threads', () => {
  test('the queue on JS Atomics has ids without gaps, priorities, and a limit', () => {
    const queue = AtomicsEvents.create(4, 8);
    const ids = ['n1', 'u1', 'n2', 'u2', 'full'].map((text) =>
      queue.tryPut(Buffer.from(text), text[0] === 'u'),
    );
    expect(ids).toEqual([0, 1, 2, 3, -1]);
    const target = Buffer.alloc(8);
    const out: string[] = [];
    while (queue.tryTake(target)) out.push(`${queue.id}${target.toString('latin1', 0, queue.length)}`);
    expect(out).toEqual(['1u1', '3u2', '0n1', '2n2']);
  });

  test('the consumer counts an event with a wrong byte or out of its order as none', () => {
    const queue = AtomicsEvents.create(4, EVENT_BYTES);
    const work = { kind: 'atomics', handle: queue.handle } as const;
    const consume = createContender(work, 1);
    createContender(work, 0)(2);
    expect(consume(2)).toBe(2);
    const wrong = new Uint8Array(EVENT_BYTES);
    queue.tryPut(wrong, false); // the third one begins with 2
    wrong[0] = 3;
    queue.tryPut(wrong, false);
    expect(consume(2)).toBe(1);
  });
});

describe('all breakers open at the same failure', () => {
  test('opossum', async () => {
    const breaker = createOpossum(() => Promise.reject(new Outage()));
    const failures = fail(
      () => breaker.fire(),
      () => breaker.opened,
    );
    await expect(failures).resolves.toBe(FAILURE_THRESHOLD);
    breaker.shutdown();
  });

  test('cockatiel', async () => {
    const policy = createCockatiel();
    const failures = fail(
      () => policy.execute(() => Promise.reject(new Outage())),
      () => policy.state === CircuitState.Open,
    );
    await expect(failures).resolves.toBe(FAILURE_THRESHOLD);
  });

  test('the plain object', () => {
    const breaker = new ObjectBreaker(FAILURE_THRESHOLD, 1000);
    for (let failure = 1; failure < FAILURE_THRESHOLD; failure++) breaker.record(false, failure);
    expect(breaker.tryAcquire()).toBe(true);
    breaker.record(false, FAILURE_THRESHOLD);
    expect(breaker.tryAcquire()).toBe(false);
  });
});
