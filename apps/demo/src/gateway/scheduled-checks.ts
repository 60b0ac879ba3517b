// Checks of bodies as tasks of the scheduler, security events before the rest.
import { TaskStuckError, TaskTimeoutError, WorkerLostError, type SchedulerClient } from '@corelane/scheduler';
import { checkTasks } from '../check-task.ts';
import { ENCODINGS } from '../checks/encoding.ts';
import { decodeVerdict } from '../checks/verdict-code.ts';
import type { Books } from './books.ts';
import type { BodyCheck, CheckOutcome, Checks } from './checks.ts';

const ABANDONED = [TaskStuckError, TaskTimeoutError, WorkerLostError];

export interface ScheduledChecksParts {
  readonly client: SchedulerClient;
  readonly books: Pick<Books, 'verdicts' | 'checksAbandoned'>;
  /** Milliseconds after which a check is given up, and the thread that does it replaced. */
  readonly timeoutMs: number;
}

export class ScheduledChecks implements Checks {
  readonly #parts: ScheduledChecksParts;

  constructor(parts: ScheduledChecksParts) {
    this.#parts = parts;
  }

  async check({ token, length, encoding, urgent }: BodyCheck): Promise<CheckOutcome> {
    const { client, books, timeoutMs } = this.#parts;
    const encodingIndex = encoding === undefined ? -1 : ENCODINGS.indexOf(encoding);
    try {
      const result = await client.run(checkTasks.check, [token, length, encodingIndex], {
        priority: urgent ? 'high' : 'normal',
        timeoutMs,
      });
      books.verdicts.inc();
      return decodeVerdict(result);
    } catch (error) {
      // No room in the queue, too slow, stuck, or its thread died. Whichever it was, nobody has said that this body is good, and it goes nowhere.
      // Where its time was over or its thread died, the check may have been made, and counted, all the same.
      if (ABANDONED.some((each) => error instanceof each)) books.checksAbandoned.inc();
      return 'refused';
    }
  }
}
