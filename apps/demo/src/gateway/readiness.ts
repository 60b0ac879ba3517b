// Whether an HTTP worker may be sent webhooks: what a load balancer asks for before it sends any.
import type { StateMachine } from '@corelane/atomic-state';
import type { BufferPool } from '@corelane/buffer-pool';
import { HealthMonitor, loopDelayCheck, memoryCheck, type HealthCheck } from '@corelane/perf-counters/health';

/** A clock that stands still this long has lost its ticker: breakers would never open again, nor tokens come back. */
export const CLOCK_STALE_MS = 1000;

/** Of this thread, and of what all threads share. */
export function readinessOf(machine: StateMachine, pool: BufferPool): HealthMonitor {
  const clock: HealthCheck = {
    name: 'clock',
    unit: 'ms',
    // The age has been that long already: nothing is gained by looking twice.
    critical: { at: CLOCK_STALE_MS, after: 1 },
    measure: () => machine.clock.ageMs(),
  };
  const buffers: HealthCheck = {
    name: 'buffers',
    unit: 'ratio',
    // Without one, webhooks are refused with 503: told in time, senders go elsewhere.
    warn: { at: 0.9, recoverAt: 0.7 },
    critical: { at: 0.99, recoverAt: 0.8 },
    measure: () => {
      const { available, capacity } = pool.stats();
      return { value: 1 - available / capacity, detail: `${available} of ${capacity} free` };
    },
  };
  return new HealthMonitor({ name: 'gateway', checks: [clock, buffers, loopDelayCheck(), memoryCheck()] });
}
