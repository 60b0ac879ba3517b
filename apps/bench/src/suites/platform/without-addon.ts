// The same calls on a thread that has no addon: what the fallback costs.
import { Contenders } from '../../contention/contenders.ts';
import { entryUrl } from '../../entry-url.ts';
import { NotMeasurableError } from '../../errors.ts';
import type { BatchCase } from '../../suite.ts';
import { Held } from '../state/held.ts';
import type { FallbackCallee } from './fallback-contender.ts';

/** @param against the name of the case with the addon */
export function withoutAddon(callee: FallbackCallee, against: string): BatchCase {
  const held = new Held<Contenders>();
  return {
    name: `${against}, no addon`,
    role: 'ours',
    against,
    async setup() {
      try {
        held.set(
          await Contenders.start({
            module: entryUrl('suites/platform/fallback-contender'),
            contenders: 1,
            data: () => ({ callee }),
          }),
        );
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException; // the class does not survive the way from the thread
        if (code === 'BENCH_NOT_MEASURABLE') throw new NotMeasurableError(message, { cause: error });
        throw error;
      }
    },
    async batch(operations) {
      const { successful, elapsedNs } = await held.get().run(operations);
      return { successful, elapsedNs: elapsedNs ?? Number.NaN };
    },
    check: () => undefined, // every call looked at its result
    teardown: () => held.take()?.stop(),
  };
}
