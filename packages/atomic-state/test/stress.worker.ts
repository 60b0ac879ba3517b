// Hammers one endpoint and reports what it was told.
import { parentPort, workerData } from 'node:worker_threads';
import { isProbe, Recorded, StateMachine, type StateMachineHandle } from '../src/index.ts';

export interface StressInput {
  readonly handle: StateMachineHandle;
  readonly endpoint: number;
  /** Ends after so many attempts … */
  readonly attempts: number;
  /** … or so many admissions. */
  readonly admissions: number;
  /** One result in so many is a failure; 0: none. */
  readonly failEvery: number;
  readonly gate: Int32Array;
}

export interface StressReport {
  readonly admitted: number;
  readonly probes: number;
  readonly successes: number;
  readonly failures: number;
  readonly recorded: Record<number, number>;
}

const { handle, endpoint, attempts, admissions, failEvery, gate } = workerData as StressInput;
const machine = StateMachine.attach(handle);
parentPort?.postMessage('ready');
Atomics.wait(gate, 0, 0);

let admitted = 0;
let probes = 0;
let successes = 0;
let failures = 0;
const recorded: Record<number, number> = {};
for (const outcome of Object.values(Recorded)) recorded[outcome] = 0;
for (let i = 1; i <= attempts && admitted < admissions; i++) {
  const outcome = machine.tryAcquire(endpoint);
  if (outcome < 0) continue;
  admitted++;
  if (isProbe(outcome)) probes++;
  const ok = failEvery === 0 || admitted % failEvery !== 0;
  const result = machine.recordDelivery(endpoint, ok, outcome);
  recorded[result] = (recorded[result] ?? 0) + 1;
  if (ok) successes++;
  else failures++;
}
parentPort?.postMessage({ admitted, probes, successes, failures, recorded } satisfies StressReport);
