// Checks of bodies as tasks of the scheduler, security events before the rest.
import type { SchedulerClient } from '@corelane/scheduler';
import { checkTasks, FAULTS } from '../check-task.ts';
import { ENCODINGS } from '../checks/inflate-guard.ts';
import type { BodyCheck, CheckOutcome, Checks } from './checks.ts';

export class ScheduledChecks implements Checks {
  readonly #client: SchedulerClient;
  readonly #timeoutMs: number;

  /** @param timeoutMs after which a check is given up, and the thread that does it replaced */
  constructor(client: SchedulerClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  async check({ token, length, encoding, urgent }: BodyCheck): Promise<CheckOutcome> {
    const encodingIndex = encoding === undefined ? -1 : ENCODINGS.indexOf(encoding);
    try {
      const result = await this.#client.run(checkTasks.check, [token, length, encodingIndex], {
        priority: urgent ? 'high' : 'normal',
        timeoutMs: this.#timeoutMs,
      });
      if (typeof result === 'string') return { fault: undefined, repository: result };
      return { fault: FAULTS[result], repository: undefined };
    } catch {
      // No room in the queue, too slow, or its thread died. Whichever it was, this body has not been looked at and goes nowhere.
      return 'refused';
    }
  }
}
