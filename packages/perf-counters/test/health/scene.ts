// A monitor with a clock that the test lets pass, and a check whose value it sets.
import { HealthMonitor, type HealthCheck, type Measured, type Threshold } from '../../src/health/index.ts';
import { FakeClock } from './fake-clock.ts';

export interface Scene {
  readonly clock: FakeClock;
  readonly monitor: HealthMonitor;
  readonly told: string[];
}

/** Tells in words what the monitor tells. */
export function scene(
  checks: HealthCheck[],
  options: Omit<ConstructorParameters<typeof HealthMonitor>[0], 'checks'> = {},
): Scene {
  const clock = new FakeClock();
  const monitor = new HealthMonitor({ checks, clock, ...options });
  const told: string[] = [];
  monitor.on('warning', ({ check, level }) => told.push(`warning ${check} ${level}`));
  monitor.on('recovery', ({ check, level }) => told.push(`recovery ${check} ${level}`));
  monitor.on('state', ({ from, to }) => told.push(`${from} > ${to}`));
  return { clock, monitor, told };
}

/** A check of a value that the test sets. */
export class Dial implements HealthCheck {
  readonly name: string = 'dial';
  readonly warn: number | Threshold | null = { at: 10, recoverAt: 8, after: 3, recoverAfter: 2 };
  readonly critical: number | Threshold | null = null;
  reading: () => Measured | Promise<Measured> = () => 0;
  measured = 0;
  isDisposed = false;

  constructor(options: Partial<HealthCheck> = {}) {
    Object.assign(this, options);
  }

  measure(): Measured | Promise<Measured> {
    this.measured++;
    return this.reading();
  }

  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}
