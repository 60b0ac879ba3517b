// After a worker that is gone: its tasks end, and what it may have had in its hands is found by others. PROTOCOL.md, section 5.
import { rulesAt, type TierPlan, type TierRules } from './budgets/tier-table.ts';
import { DEFAULT_LEVEL } from './priority.ts';
import { sharedNowMs } from './shared-clock.ts';
import { SchedulerClosedError, TaskStuckError, WorkerLostError } from './errors.ts';
import { MEND_LATER, PHASE_CLOSED, TASK_LOST, TASK_STUCK } from './layout.ts';
import { writeThrown } from './payload.ts';
import { clientIn, type SchedulerTable } from './table.ts';
import type { SlowTask } from './watchdog/watchdog.ts';

/** When it goes on writing hints that its lane had no room for. */
const MEND_AGAIN_MS = 1;

export class Recovery {
  readonly #table: SchedulerTable;
  readonly #rules: TierRules | undefined;
  /** Why the scheduler is destroyed, where nobody asked for it. */
  cause: Error | undefined;
  #mending: NodeJS.Timeout | undefined;

  /** @param plan undefined: nobody watches polls */
  constructor(table: SchedulerTable, plan: TierPlan | undefined) {
    this.#table = table;
    this.#rules = plan && rulesAt(plan, DEFAULT_LEVEL);
  }

  /**
   * Ends the tasks of a worker that is gone, and sees to it that the others take what it was woken for.
   * @param stuck why it was given up, where it was
   * @returns how many were lost
   */
  recover(worker: number, exitCode: number, failure: unknown, stuck: SlowTask | undefined): number {
    const table = this.#table;
    const { kernel, at } = table;
    const party = worker + 1;
    let tasks = 0;
    kernel.endSleep(at, party);
    if (this.#rules !== undefined) table.tiers?.mend(party, this.#rules, sharedNowMs());
    for (let slot = 0; slot < table.slots; slot++) {
      const outcome = kernel.recoverSlot(at, slot, party);
      if (outcome !== TASK_LOST && outcome !== TASK_STUCK) continue;
      tasks++;
      const task = table.taskNameIn(slot);
      const error =
        outcome === TASK_STUCK && stuck !== undefined
          ? stuckError(stuck)
          : table.phase === PHASE_CLOSED
            ? new SchedulerClosedError(
                `the scheduler was destroyed while task ${task} ran`,
                this.cause && { cause: this.cause },
              )
            : new WorkerLostError(task, worker, exitCode, failure ?? (stuck && stuckError(stuck)));
      writeThrown(table, slot, error, task);
      kernel.deliverSlot(at, slot, clientIn(table.stateOf(slot)), party);
    }
    kernel.markAllLevels(at);
    this.#mend(0);
    return tasks;
  }

  stop(): void {
    clearTimeout(this.#mending);
  }

  /** Writes another hint to each slot that is queued, from one on: the worker that is gone may have had one in its hands. */
  #mend(from: number): void {
    const { kernel, at, slots } = this.#table;
    for (let slot = from; slot < slots; slot++) {
      if (kernel.mendSlot(at, slot) !== MEND_LATER) continue;
      this.#mending = setTimeout(() => this.#mend(slot), MEND_AGAIN_MS).unref();
      break;
    }
    if (kernel.hasWork(at, 0) === 1) kernel.wakeAll(at);
  }
}

function stuckError({ task, worker, ms, limitMs, stack }: SlowTask): TaskStuckError {
  return new TaskStuckError(task, worker, ms, limitMs, stack);
}
