import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions } from '../contestant.ts';
import { sharedBytes } from '../shared-bytes.ts';

export function startWorkerpool({ threads }: ContestantOptions): Contestant {
  const pool = workerpool.pool(fileURLToPath(entryUrl('suites/scheduler/workerpool-worker')), {
    minWorkers: threads,
    maxWorkers: threads,
    workerType: 'thread',
  });
  // Its promises are its own: thenable, and enough for `await`.
  const exec = <Result>(method: string, argument: unknown): Promise<Result> => pool.exec(method, [argument]);
  return {
    double: (n) => exec('double', n),
    digest: (payload) => exec('digest', payload),
    whoRuns: (n) => exec('whoRuns', n),
    holdWhile: (path) => exec('holdWhile', path),
    allocate: sharedBytes,
    close: async () => {
      await pool.terminate(true);
    },
  };
}
