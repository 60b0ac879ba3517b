// Every contestant by name. Libraries are loaded by the process that measures them, and by no other.
import type { StartContestant } from './contestant.ts';

export const CONTESTANTS = {
  scheduler: async () => (await import('./contestants/scheduler.ts')).startScheduler,
  'scheduler, shared': async () => (await import('./contestants/scheduler.ts')).startSharing,
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
