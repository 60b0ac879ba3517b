// What can be wrong with a check, or with the use of a monitor.
import { PerfCountersError } from '../errors.ts';

/** A check did not give a measurement. */
export class HealthCheckError extends PerfCountersError {
  override readonly name: string = 'HealthCheckError';
  readonly check: string;

  constructor(code: string, check: string, message: string) {
    super(code, message);
    this.check = check;
  }
}

/** A check has taken longer than it may. Its signal is aborted with this. */
export class CheckTimeoutError extends HealthCheckError {
  override readonly name = 'CheckTimeoutError';
  readonly timeoutMs: number;

  constructor(check: string, timeoutMs: number) {
    super('ERR_HEALTH_TIMEOUT', check, `check ${check} has not answered in ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** A check that was given up is still running when its turn comes again: it is not started a second time. */
export class CheckStuckError extends HealthCheckError {
  override readonly name = 'CheckStuckError';
  readonly runningMs: number;

  constructor(check: string, runningMs: number, timeoutMs: number) {
    super(
      'ERR_HEALTH_STUCK',
      check,
      `check ${check} is still running after ${Math.round(runningMs)} ms, expected an end within ${timeoutMs} ms`,
    );
    this.runningMs = runningMs;
  }
}

/** The monitor is disposed. */
export class MonitorDisposedError extends PerfCountersError {
  override readonly name = 'MonitorDisposedError';

  constructor() {
    super('ERR_MONITOR_DISPOSED', 'the health monitor is disposed: it measures nothing any more');
  }
}
