// Which worker gets a task.
import type { PiscinaHistogramSummary } from './histogram.ts';
import type { PiscinaTask } from './task-queue.ts';

/** A worker as load balancers see it; live. */
export interface PiscinaWorker {
  /** Its `threadId`. */
  readonly id: number;
  /** Tasks that it has; Infinity where one of them can be aborted, which ends the worker. */
  readonly currentUsage: number;
  readonly isRunningAbortableTask: boolean;
  /** Times of its tasks, with option `workerHistogram`. */
  readonly histogram: PiscinaHistogramSummary | null;
  readonly terminating: boolean;
  readonly destroyed: boolean;
}

/** @returns one of the workers; or null: the task waits */
export type PiscinaLoadBalancer = (task: PiscinaTask, workers: PiscinaWorker[]) => PiscinaWorker | null;

export interface LeastBusyBalancerOptions {
  /** Tasks that a worker may have. */
  maximumUsage: number;
}

/** The worker with the fewest tasks. A task with a signal gets one to itself: to abort it ends the worker. */
export function LeastBusyBalancer({ maximumUsage }: LeastBusyBalancerOptions): PiscinaLoadBalancer {
  return (task, workers) => {
    let best: PiscinaWorker | null = null;
    let least = task.isAbortable ? 1 : maximumUsage;
    for (const worker of workers) {
      const usage = worker.currentUsage;
      if (usage >= least) continue;
      best = worker;
      least = usage;
      if (usage === 0) break;
    }
    return best;
  };
}
