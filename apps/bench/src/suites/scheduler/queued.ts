// What tasks take while they wait.
import type { ScenarioGroup } from '../../suite.ts';
import type { ContestantName } from './contestants.ts';
import { poolScenario, RIVALS, SCHEDULER } from './pool-case.ts';
import type { PoolRequest, QueueAnswer } from './pool-process.ts';
import { LEAST_RATIO_MEMORY } from './targets.ts';

const MILLION = 1e6;
interface Size {
  readonly name: string;
  readonly tasks: number;
  readonly rounds: number;
  readonly names: readonly ContestantName[];
}

const SIZES: readonly Size[] = [
  { name: 'queued', tasks: 100_000, rounds: 5, names: [SCHEDULER, ...RIVALS] },
  { name: 'million', tasks: 1_000_000, rounds: 3, names: [SCHEDULER, 'piscina'] },
];
const QUICK_TASKS = 20_000;

function group({ name: groupName, tasks: most, rounds, names }: Size): ScenarioGroup {
  return {
    kind: 'scenario',
    name: groupName,
    title: `Memory of ${most.toLocaleString('en-US')} queued tasks, 1 worker`,
    note: 'Resident memory with all tasks queued behind one that runs, by what it was before them, garbage collected. total: with what the pool itself took when it was started. Then they run, and each result is looked at. multithreading loses tasks beyond 65 536: it gets fewer.',
    rounds,
    timeoutSeconds: 600,
    scenarios: names.map((name) =>
      poolScenario(
        name,
        { threads: 1, inFlight: most, payloadBytes: 0 },
        async ({ companion, quick, started }) => {
          const tasks = quick ? QUICK_TASKS : most;
          const request: PoolRequest = { type: 'queue', tasks };
          const answer = await companion.request<QueueAnswer>(request);
          const bytes = answer.queuedBytes / answer.tasks;
          return {
            metrics: {
              task: { value: bytes, unit: 'B' },
              total: { value: (started.startBytes + bytes * tasks) / MILLION, unit: 'MB' },
            },
            successful: answer.successful,
            expected: answer.tasks,
          };
        },
      ),
    ),
    claims: [{ of: 'piscina', against: SCHEDULER, metric: 'task', atLeast: LEAST_RATIO_MEMORY }],
  };
}

export const queued: readonly ScenarioGroup[] = SIZES.map(group);
