import type { SuiteEntry } from './suite.ts';

/** Every suite of the bench: add a line here and a file in suites/. */
export const suites: readonly SuiteEntry[] = [
  {
    name: 'state',
    title: 'The endpoint word of atomic-state against opossum, cockatiel and a bare CAS',
    load: async () => (await import('./suites/state.ts')).suite,
  },
  {
    name: 'lock-free',
    title: 'Structures of lock-free against the same on JS Atomics and ringbuf.js',
    load: async () => (await import('./suites/lock-free.ts')).suite,
  },
  {
    name: 'buffer-pool',
    title: 'Leases of buffer-pool against allocation and pools of one thread',
    load: async () => (await import('./suites/buffer-pool.ts')).suite,
  },
  {
    name: 'counters',
    title: 'Counters, histograms and timers of perf-counters against prom-client, and memory-tracker',
    load: async () => (await import('./suites/counters.ts')).suite,
  },
  {
    name: 'scheduler',
    title: 'Tasks of the scheduler against pools of workers, and against message ports by hand',
    load: async () => (await import('./suites/scheduler.ts')).suite,
  },
  {
    name: 'budgets',
    title: 'Budgets, tiers and hooks around polls: what each costs a task',
    load: async () => (await import('./suites/budgets.ts')).suite,
  },
  {
    name: 'fibres',
    title: 'Fibres against promises and generators by hand, hand-offs, loops with checkpoints',
    load: async () => (await import('./suites/fibres.ts')).suite,
  },
  {
    name: 'gateway',
    title: 'The gateway with an upstream that dies, against one breaker per worker',
    load: async () => (await import('./suites/gateway.ts')).suite,
  },
  {
    name: 'platform',
    title: 'Calls of platform against the same in C, and what they do to threads and memory',
    load: async () => (await import('./suites/platform.ts')).suite,
  },
  {
    name: 'io-ring',
    title: 'Files and sockets of io-ring against node:fs and node:net, and against the same in C',
    load: async () => (await import('./suites/io-ring.ts')).suite,
  },
];
