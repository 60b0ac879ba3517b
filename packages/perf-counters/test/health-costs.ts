// What health monitoring costs: `npm run health-costs`. Time of one measurement of each check, of a tick of a monitor of all of them, of a report; and
// the CPU time of an idle second with a monitor.
import { setTimeout as pass } from 'node:timers/promises';
import { limits } from '@corelane/platform';
import { Arena } from '@corelane/shared-memory';
import {
  cpuCheck,
  HealthMonitor,
  loopDelayCheck,
  memoryCheck,
  queueWaitCheck,
  switchTimeCheck,
  type HealthCheck,
} from '../src/health/index.ts';
import { Registry } from '../src/index.ts';

const ROUNDS = 2000;
const WARM_UP = 500;
const { signal } = new AbortController();

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
}

/** Microseconds of each call. */
function time(work: () => unknown): number[] {
  const us: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const startMs = performance.now();
    work();
    if (round >= WARM_UP) us.push((performance.now() - startMs) * 1000);
  }
  return us;
}

function print(name: string, us: number[]): void {
  const cells = [0.1, 0.5, 0.99].map((q) => quantile(us, q).toFixed(2).padStart(10));
  console.log(`${name.padEnd(46)}${cells.join('')}`);
}

using registry = Registry.create(Arena.create({ bytes: 4 << 20 }));
const waits = registry.timer({ name: 'wait_seconds', help: 'Waits' });
for (let i = 0; i < 10_000; i++) waits.record(i % 97);

const checks = (): HealthCheck[] => [
  cpuCheck(),
  memoryCheck(),
  loopDelayCheck(),
  queueWaitCheck({ source: () => waits.distribution() }),
  switchTimeCheck({ source: () => ({ samples: 5, averageNs: 100 }) }),
];

console.log(
  `Node ${process.version}, ${ROUNDS} times\n${''.padEnd(46)}${['p10', 'median', 'p99'].map((q) => q.padStart(10)).join('')}  µs`,
);
for (const check of [
  ...checks(),
  memoryCheck({ name: 'memory, by limits() of platform', source: () => limits() }),
]) {
  let nowMs = performance.now();
  check.begin?.(nowMs);
  // Of which each finds that a second has passed.
  print(
    check.name,
    time(() => check.measure({ signal, nowMs: (nowMs += 1000), lateMs: 25 })),
  );
  check[Symbol.dispose]?.();
}

{
  let nowMs = 0;
  let tick = (): void => {};
  const clock = {
    now: () => nowMs,
    after: (_: number, callback: () => void) => {
      tick = callback;
      return () => {};
    },
  };
  using monitor = new HealthMonitor({ checks: checks(), clock });
  print(
    'a tick of a monitor of these five',
    time(() => {
      nowMs += 1000;
      tick();
    }),
  );
  print(
    'ready()',
    time(() => monitor.ready()),
  );
  print(
    'report(), with trends of 60 measurements',
    time(() => monitor.report()),
  );
}

async function idleSecondUs(): Promise<number> {
  const start = process.cpuUsage();
  await pass(1000);
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

const without: number[] = [];
const monitored: number[] = [];
for (let round = 0; round < 5; round++) {
  without.push(await idleSecondUs());
  using _ = new HealthMonitor({ checks: checks() });
  monitored.push(await idleSecondUs());
}
console.log(
  `CPU time of an idle second: ${quantile(monitored, 0.5)} µs with a monitor of these five, ${quantile(without, 0.5)} µs without`,
);
