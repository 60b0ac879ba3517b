// Options of what happens at checkpoints, checked once.
import { ArgumentRangeError } from '@corelane/shared-memory';
import type { Policy } from '../policy.ts';
import type { OvertakingPlan } from './task-checkpoints.ts';

export interface CheckpointOptions {
  /**
   * Whether others run in the middle of a task that comes to a checkpoint, on top of its stack: under `roundRobin` any, each time its slice is over, for as long as one; under `priority` and
   * `workStealing` what is more urgent, at once; under `deadline` also what has an earlier deadline. With `budgets`, any in the middle of one of tier Yield or above, or that has spent its budget, every 10 ms.
   * Not by default: code that keeps what it is at in variables of its module must not be run while it runs.
   */
  readonly overtake?: boolean;
  /** With `overtake`: how many tasks lie on the stack below the one that runs, at most, and how many asynchronous ones are begun beyond `concurrentTasksPerWorker`; 1 to 64, 4 by default. */
  readonly depth?: number;
}

/** Guessed. */
const DEPTH = 4;
const MAX_DEPTH = 64;
const NAMES: readonly string[] = ['overtake', 'depth'] satisfies (keyof CheckpointOptions)[];

/** @param sliceMs of the policy roundRobin @throws ArgumentRangeError */
export function overtakingPlan(
  options: CheckpointOptions = {},
  policy: Policy,
  sliceMs: number,
): OvertakingPlan {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentRangeError('checkpoints', options, 'an object');
  for (const name of Object.keys(options))
    if (!NAMES.includes(name))
      throw new ArgumentRangeError('checkpoints', name, `options ${NAMES.join(', ')}`);
  const { overtake = false, depth } = options;
  if (typeof overtake !== 'boolean')
    throw new ArgumentRangeError('checkpoints.overtake', overtake, 'true or false');
  if (overtake && policy === 'fifo')
    throw new ArgumentRangeError(
      'checkpoints.overtake',
      overtake,
      'false, where policy is fifo: what waits is later',
    );
  if (!overtake && depth !== undefined)
    throw new ArgumentRangeError('checkpoints.depth', depth, 'none without checkpoints.overtake');
  const most = depth ?? DEPTH;
  if (!Number.isInteger(most) || most < 1 || most > MAX_DEPTH)
    throw new ArgumentRangeError('checkpoints.depth', most, `an integer from 1 to ${MAX_DEPTH}`);
  return { depth: overtake ? most : 0, sliceMs: policy === 'roundRobin' ? sliceMs : Infinity };
}
