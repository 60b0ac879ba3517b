// What a switch from one fibre to another has taken on average, since the last look.
import { CHECK_OPTIONS, type CheckOptions, type HealthCheck } from '../check.ts';
import type { Measured } from '../measurement.ts';
import { aFunction, onlyKnown } from '../option-checks.ts';
import type { SwitchFigures } from '../ports.ts';

export interface SwitchTimeCheckOptions extends CheckOptions {
  /** `() => fibres.stats().switches` of a fibre scheduler of @corelane/scheduler. */
  readonly source: () => SwitchFigures;
}

/** Check `switch-time`, in nanoseconds; warns above 1000. Without a switch that was timed it is idle. @throws ArgumentRangeError */
export function switchTimeCheck(options: SwitchTimeCheckOptions): HealthCheck {
  onlyKnown('option of switchTimeCheck', options, [...CHECK_OPTIONS, 'source']);
  const { source, name = 'switch-time', warn = 1000, ...rest } = options;
  aFunction('source', source);
  let before = { samples: 0, sumNs: 0 };
  const look = (): typeof before => {
    const { samples, averageNs = 0 } = source();
    return { samples, sumNs: samples * averageNs };
  };
  return {
    ...rest,
    name,
    warn,
    unit: 'ns',
    begin: () => {
      before = look();
    },
    measure: (): Measured => {
      const now = look();
      const samples = now.samples - before.samples;
      const sumNs = now.sumNs - before.sumNs;
      before = now;
      if (samples <= 0) return { idle: 'no switch was timed' };
      return { value: sumNs / samples, detail: `of ${samples} switches` };
    },
  };
}
