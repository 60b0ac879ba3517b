// Readings of counters. The same for a thread with the addon and one without.
import { PerfEvents, type PerfEventsOptions, type PerfTier } from '@corelane/platform';
import { NotMeasurableError } from '../../errors.ts';
import { type Callee, valueOf } from './calls.ts';

/** What the kernel counts on every machine, as in native/perf.c; the clock first. */
const SOFTWARE = ['taskClock', 'pageFaults', 'contextSwitches', 'cpuMigrations'] as const;

interface Reader {
  readonly options: PerfEventsOptions;
  /** All of the events must be read this way; any way by default. */
  readonly tier?: PerfTier;
  /** By `read`, which makes an object; by `readInto` by default. */
  readonly makesObject?: boolean;
}

function requireTier(events: PerfEvents, tier: PerfTier): void {
  const counts = events.read();
  for (const name of events.events)
    if (counts[name].tier !== tier)
      throw new NotMeasurableError(`${name} has tier ${counts[name].tier}: ${counts[name].reason}`);
}

/** Counts that never go back. */
function reading({ options, tier, makesObject = false }: Reader): Callee {
  const events = valueOf(PerfEvents.open(options));
  const values = new Float64Array(events.events.length);
  try {
    if (tier !== undefined) requireTier(events, tier);
  } catch (error) {
    events.close();
    throw error;
  }
  const [first = 'taskClock'] = events.events;
  const read = makesObject
    ? (): number => events.read()[first].value ?? Number.NaN
    : (): number => {
        events.readInto(values);
        return values[0] ?? Number.NaN;
      };
  let last = read();
  return {
    call() {
      const value = read();
      const isRight = value >= last;
      last = value;
      return isRight;
    },
    check: () => (last > 0 ? undefined : `${first} is ${last}, expected more than 0`),
    close: () => events.close(),
  };
}

export const perfCallees = {
  perfThread: () => reading({ options: { events: SOFTWARE } }),
  perfThreadObject: () => reading({ options: { events: SOFTWARE }, makesObject: true }),
  perfThreadAll: () =>
    reading({
      options: {
        events: [
          'taskClock',
          'cycles',
          'instructions',
          'cacheReferences',
          'cacheMisses',
          'branches',
          'branchMisses',
          'minorFaults',
          'majorFaults',
          'contextSwitches',
          'cpuMigrations',
        ],
      },
    }),
  perfProcess: () => reading({ options: { target: 'process', events: SOFTWARE } }),
  perfGroup: () => reading({ options: { events: ['cycles', 'instructions'] }, tier: 'group' }),
  perfRdpmc: () => reading({ options: { events: ['cycles', 'instructions'] }, tier: 'rdpmc' }),
} satisfies Record<string, () => Callee>;
