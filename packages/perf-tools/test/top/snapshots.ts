// Two snapshots of a made-up service, a second apart.
import type { RegistrySnapshot } from '@corelane/perf-counters';

export const HELLO = { pid: 4711, title: 'shop', node: 'v26.10.0', startedAtMs: 1_000_000 };

interface Figures {
  readonly takenAtMs: number;
  readonly requests: readonly (readonly [code: string, byWriter: readonly number[]])[];
  readonly queue: number;
  readonly cpuS: number;
  readonly durations: readonly number[];
}

function snapshot({ takenAtMs, requests, queue, cpuS, durations }: Figures): RegistrySnapshot {
  const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
  const byWriter = (all: readonly number[]): { writer: number; value: number }[] =>
    all.map((value, writer) => ({ writer, value }));
  const value = (name: string, type: 'counter' | 'gauge', figure: number, unit = ''): object => ({
    ...{ name, help: name, type, unit, labels: [] },
    series: [{ labels: {}, value: figure, byWriter: byWriter([figure]) }],
  });
  return {
    version: 1,
    createdAtMs: HELLO.startedAtMs,
    takenAtMs,
    monotonicMs: takenAtMs - 500_000,
    writers: [0, 4].map((threadId, writer) => ({ writer, claimed: true, threadId, claims: 1 })),
    metrics: [
      {
        ...{ name: 'requests_total', help: 'Requests', type: 'counter', unit: '', labels: ['code'] },
        series: requests.map(([code, all]) => ({
          labels: { code },
          value: sum(all),
          byWriter: byWriter(all),
        })),
      },
      value('queue_length', 'gauge', queue),
      value('process_resident_memory_bytes', 'gauge', 96 * 2 ** 20, 'bytes'),
      value('app_process_cpu_seconds_total', 'counter', cpuS, 'seconds'),
      {
        ...{ name: 'request_seconds', help: 'Time', type: 'timer', unit: 'seconds', labels: [] },
        series: [
          {
            labels: {},
            ...{ count: sum(durations), sum: 12.5, min: 0.0001, max: 1.25, mean: 0.01 },
            quantiles: { p50: 0.0031, p90: 0.01, p99: 0.25, p999: 1.2 },
            buckets: [
              { le: 0.004, count: 600 },
              { le: 0.016, count: sum(durations) - 300 },
              { le: null, count: sum(durations) },
            ],
            byWriter: durations.map((count, writer) => ({ writer, count, sum: 1, min: 0.0001, max: 1.25 })),
          },
        ],
      },
    ],
  } as unknown as RegistrySnapshot;
}

export const BEFORE = snapshot({
  takenAtMs: 1_000_000 + 3_720_000,
  requests: [['200', [1000, 500]]],
  queue: 3,
  cpuS: 60,
  durations: [900, 600],
});

export const AFTER = snapshot({
  takenAtMs: 1_000_000 + 3_722_000,
  requests: [
    ['200', [1_250_000, 500]],
    ['500', [0, 7]],
  ],
  queue: 12,
  cpuS: 61.06,
  durations: [2900, 600],
});
