/** What this process has open and mapped, by the kernel's own lists. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Descriptors of perf events, and of the files of /proc that are read in their stead. */
export function perfDescriptors(): number {
  let count = 0;
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      if (
        /perf_event|\/task\/\d+\/(stat|status|schedstat|sched)$/.test(readlinkSync(`/proc/self/fd/${name}`))
      )
        count++;
    } catch {
      // the one of this listing
    }
  }
  return count;
}

/** Pages of perf events that are mapped. */
export function perfMappings(): number {
  return readFileSync('/proc/self/maps', 'utf8').match(/perf_event/g)?.length ?? 0;
}
