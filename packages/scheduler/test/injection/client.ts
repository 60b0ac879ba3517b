// A thread that is a client, under load until it is told to stop, or terminated.
import { parentPort, workerData } from 'node:worker_threads';
import { Scheduler, type SchedulerHandle } from '../../src/index.ts';
import { Draws } from './draws.ts';
import type { LedgerMemory } from './ledger.ts';
import { Load } from './load.ts';

export interface ClientData extends LedgerMemory {
  readonly handle: SchedulerHandle;
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  readonly inFlight: number;
  readonly threads: number;
  readonly hasSlowLane: boolean;
}

const { handle, seed, ...data } = workerData as ClientData;
const runner = Scheduler.attach(handle);
const load = new Load({ runner, ledger: data, draws: new Draws(seed), ...data });
parentPort?.postMessage('started');
parentPort?.once('message', () => void finish());

async function finish(): Promise<void> {
  load.stop();
  await load.done;
  parentPort?.postMessage(load.report);
  await runner.close();
}
