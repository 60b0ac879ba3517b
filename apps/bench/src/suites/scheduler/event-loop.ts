// Whether the submitting thread's timers and I/O go on under full load.
import type { ScenarioGroup } from '../../suite.ts';
import { poolScenario, RIVALS, SCHEDULER } from './pool-case.ts';
import type { DelaysAnswer, PoolRequest } from './pool-process.ts';

const WORKERS = 2;
const IN_FLIGHT = 1024;
const MILLISECONDS = 2000;
const QUICK_MILLISECONDS = 200;

export const eventLoop: ScenarioGroup = {
  kind: 'scenario',
  name: 'event-loop',
  title: `Timers and I/O of the submitting thread, ${WORKERS} workers, ${IN_FLIGHT} tasks of one multiplication in flight`,
  note: 'timer: how late one of 1 ms is. read: 4 KiB of a file in the page cache. timers, reads: how many were served, one after the other. done: tasks a second meanwhile; whoever does more of them has more to do between two turns. Each result is looked at.',
  rounds: 5,
  scenarios: ([SCHEDULER, ...RIVALS, 'port, batched'] as const).map((name) =>
    poolScenario(
      name,
      { threads: WORKERS, inFlight: IN_FLIGHT, payloadBytes: 0 },
      async ({ companion, quick }) => {
        const milliseconds = quick ? QUICK_MILLISECONDS : MILLISECONDS;
        const request: PoolRequest = { type: 'delays', milliseconds };
        const { metrics, successful, submitted } = await companion.request<DelaysAnswer>(request);
        const perSecond = (1000 * successful) / milliseconds;
        return {
          metrics: { ...metrics, done: { value: perSecond, unit: 'tasks/s' } },
          successful,
          expected: submitted,
        };
      },
    ),
  ),
};
