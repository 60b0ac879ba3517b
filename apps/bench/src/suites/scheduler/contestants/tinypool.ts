import { Tinypool } from 'tinypool';
import { entryUrl } from '../../../entry-url.ts';
import type { Contestant, ContestantOptions } from '../contestant.ts';
import { sharedBytes } from '../shared-bytes.ts';

const DOUBLE = { name: 'double' };
const DIGEST = { name: 'digest' };
const WHO_RUNS = { name: 'whoRuns' };
const HOLD_WHILE = { name: 'holdWhile' };

export function startTinypool({ threads }: ContestantOptions): Contestant {
  const pool = new Tinypool({
    filename: entryUrl('suites/scheduler/work').href,
    name: 'double',
    minThreads: threads,
    maxThreads: threads,
    runtime: 'worker_threads',
    useAtomics: true,
    concurrentTasksPerWorker: 1024,
  });
  return {
    double: (n) => pool.run(n, DOUBLE),
    digest: (payload) => pool.run(payload, DIGEST),
    whoRuns: (n) => pool.run(n, WHO_RUNS),
    holdWhile: (path) => pool.run(path, HOLD_WHILE),
    allocate: sharedBytes,
    close: () => pool.destroy(),
  };
}
