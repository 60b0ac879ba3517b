// Events that the processor or the kernel counts for this thread, from whoever can open them.
import { Accumulated } from './accumulated.ts';
import type { HardwareEvents } from './ports.ts';
import type { Missing, Source } from './source.ts';

const METRIC = 'nodejs_thread_hardware_events_total';
/** It counts nanoseconds, not events. */
const TIME = 'taskClock';

export function hardwareEventsSource(port: HardwareEvents | undefined): Source {
  return {
    name: 'hardwareEvents',
    scope: 'thread',
    open: (metrics) => {
      if (port === undefined)
        return { absent: 'no hardwareEvents were given: PerfEvents of @corelane/platform are some' };
      const values = new Float64Array(port.events.length);
      const counts = metrics.counter({
        name: METRIC,
        help: 'Events of the threads that are watched, counted by the processor or the kernel since they are.',
        labels: ['event'],
      });
      // A series comes with its first count: an event that nobody counts has none, where 0 would be a lie.
      const known = new Map<number, Accumulated>();
      const sample = (): void => {
        values.fill(NaN); // what is not told is not known
        port.readInto(values);
        for (const [i, name] of port.events.entries()) {
          const value = Math.floor(values[i] as number);
          if (name === TIME || Number.isNaN(value)) continue;
          let each = known.get(i);
          if (each === undefined) known.set(i, (each = new Accumulated(counts(name), NaN)));
          each.follow(value);
        }
      };
      sample(); // what was before is not counted
      return {
        sample,
        missing: () => missing(port, values),
      };
    },
  };
}

function missing(port: HardwareEvents, values: Float64Array): Missing[] {
  const told = port.read?.() ?? {};
  return port.events.flatMap((name, i) => {
    const metric = `${METRIC}{event="${name}"}`;
    if (name === TIME) return [{ metric, reason: 'a time: nodejs_thread_cpu_seconds_total has it' }];
    return Number.isNaN(values[i]) ? [{ metric, reason: told[name]?.reason ?? 'it is not counted' }] : [];
  });
}
