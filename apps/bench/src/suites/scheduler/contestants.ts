// Every contestant by name. Libraries are loaded by the process that measures them, and by no other.
import type { StartContestant } from './contestant.ts';

export const CONTESTANTS = {
  scheduler: async () => (await import('./contestants/scheduler.ts')).startScheduler,
  'scheduler, lowLatency': async () => (await import('./contestants/scheduler.ts')).startLowLatency,
  'scheduler, callbacks': async () => (await import('./contestants/scheduler.ts')).startCallbacks,
  'scheduler, runMany': async () => (await import('./contestants/scheduler.ts')).startMany,
  'scheduler, shared': async () => (await import('./contestants/scheduler.ts')).startSharing,
  // With what watches tasks: see the suite budgets.
  'scheduler, budgets': async () => (await import('./contestants/scheduler.ts')).startBudgets,
  'scheduler, budgets and hooks': async () => (await import('./contestants/scheduler.ts')).startHooks,
  'scheduler, budgets, hooks, watchdog': async () =>
    (await import('./contestants/scheduler.ts')).startWatchdog,
  piscina: async () => (await import('./contestants/piscina.ts')).startPiscina,
  tinypool: async () => (await import('./contestants/tinypool.ts')).startTinypool,
  workerpool: async () => (await import('./contestants/workerpool.ts')).startWorkerpool,
  poolifier: async () => (await import('./contestants/poolifier.ts')).startPoolifier,
  multithreading: async () => (await import('./contestants/multithreading.ts')).startMultithreading,
  'jest-worker': async () => (await import('./contestants/jest-worker.ts')).startJestWorker,
  port: async () => (await import('./contestants/port.ts')).startPort,
  'port, cloned': async () => (await import('./contestants/port.ts')).startCloningPort,
  'port, batched': async () => (await import('./contestants/port.ts')).startBatchedPort,
  'call, no thread': async () => (await import('./contestants/call.ts')).startCalls,
  // The same libraries with other settings: see settings.ts.
  'piscina, default': async () => (await import('./contestants/piscina.ts')).startDefaultPiscina,
  'piscina, 64 a worker': async () => (await import('./contestants/piscina.ts')).startPiscinaBy64,
  'piscina, async atomics': async () => (await import('./contestants/piscina.ts')).startPiscinaAsync,
  'piscina, no atomics': async () => (await import('./contestants/piscina.ts')).startPiscinaWithoutAtomics,
  'tinypool, default': async () => (await import('./contestants/tinypool.ts')).startDefaultTinypool,
  'tinypool, no atomics': async () => (await import('./contestants/tinypool.ts')).startTinypoolWithoutAtomics,
  'poolifier, default': async () => (await import('./contestants/poolifier.ts')).startDefaultPoolifier,
  'poolifier, in turn': async () => (await import('./contestants/poolifier.ts')).startPoolifierInTurn,
  'poolifier, queues': async () => (await import('./contestants/poolifier.ts')).startPoolifierWithQueues,
  'jest-worker, in turn': async () => (await import('./contestants/jest-worker.ts')).startJestWorkerInTurn,
} as const satisfies Readonly<Record<string, () => Promise<StartContestant>>>;

export type ContestantName = keyof typeof CONTESTANTS;

/** Those that people would use in place of the scheduler. */
export const LIBRARIES = [
  'piscina',
  'tinypool',
  'workerpool',
  'poolifier',
  'multithreading',
  'jest-worker',
] as const satisfies readonly ContestantName[];
