// One measurement at a time on a thread: what another one allocates meanwhile would be in its figures, and its collections.
import { AllocationUnmeasurableError } from './errors.ts';

let isMeasuring = false;

/** @returns what ends it @throws AllocationUnmeasurableError where one runs: its promise was not awaited */
export function beginMeasuring(): () => void {
  if (isMeasuring)
    throw new AllocationUnmeasurableError(
      'another measurement runs on this thread, expected its promise to be awaited first',
    );
  isMeasuring = true;
  let isOver = false;
  return () => {
    if (!isOver) isMeasuring = false;
    isOver = true;
  };
}
