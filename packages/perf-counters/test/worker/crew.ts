// Workers that attach a registry and record into it.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { RegistryHandle } from '../../src/index.ts';
import type { HammerData } from './hammer.ts';

const HAMMER = new URL('./hammer.ts', import.meta.url);

/** Starts a worker; it waits until `go` holds 1 before it records. */
export function startHammer(
  handle: RegistryHandle,
  go: Int32Array,
  rounds: number,
  isEndless = false,
): Worker {
  return new Worker(HAMMER, {
    workerData: { handle, go, rounds, isEndless } satisfies HammerData,
    execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
  });
}

export async function message(worker: Worker): Promise<{ writer: number; rounds: number }> {
  const [answer] = (await once(worker, 'message')) as [{ writer: number; rounds: number }];
  return answer;
}
