import { workerData } from 'node:worker_threads';
import { BufferPool } from '@corelane/buffer-pool';
import { checkBody } from '../checks/check-body.ts';
import type { BodyCheck, Checks, CheckOutcome } from './checks.ts';
export class ScheduledChecks implements Checks {
  #pool = BufferPool.attach((workerData as any).pool);
  static attach(..._: unknown[]): ScheduledChecks { return new ScheduledChecks(); }
  async check(b: BodyCheck): Promise<CheckOutcome> { return await checkBody(this.#pool.open(b.token).bytes.subarray(0, b.length), b.encoding, (workerData as any).settings); }
  async close(): Promise<void> {}
}
