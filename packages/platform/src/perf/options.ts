/** What `PerfEvents.open` is asked, checked. */
import { PlatformOptionError } from '../errors.ts';
import { PERF_EVENT_NAMES, perfEventInfo, type PerfEventInfo, type PerfEventName } from './event-table.ts';
import { checkOptions } from '../options.ts';
import type { PerfTarget } from './source.ts';
import { shown } from '../shown.ts';

export interface PerfEventsOptions<E extends PerfEventName = PerfEventName> {
  /**
   * Whose events: the calling thread's, another thread's of this process by its kernel id, or those of all threads of the process,
   * the ones that begin later included. Default: 'thread'.
   */
  readonly target?: PerfTarget;
  /** Which, and in which order `readInto` has them. Default: all of them. */
  readonly events?: readonly E[];
  /**
   * `true`: only what happens in user space. `false`: the kernel's share as well, or nothing. Default: with the kernel where that is
   * allowed, else without. What has no such distinction (procfs) counts as it can, and says so.
   */
  readonly excludeKernel?: boolean;
}

export interface PerfRequest {
  readonly target: PerfTarget;
  readonly events: readonly PerfEventInfo[];
  readonly excludeKernel: boolean | undefined;
}

const OPTIONS = ['target', 'events', 'excludeKernel'];
const MAX_TID = 0x7fff_ffff;

/** @throws PlatformOptionError */
export function perfRequest(options: PerfEventsOptions): PerfRequest {
  checkOptions('PerfEvents.open', options, OPTIONS);
  const { excludeKernel } = options;
  if (excludeKernel !== undefined && typeof excludeKernel !== 'boolean')
    throw new PlatformOptionError('excludeKernel', `found ${shown(excludeKernel)}, expected a boolean`);
  return { target: checkedTarget(options.target), events: checkedEvents(options.events), excludeKernel };
}

function checkedTarget(target: unknown = 'thread'): PerfTarget {
  if (target === 'thread' || target === 'process') return target;
  if (typeof target === 'object' && target !== null && 'tid' in target) {
    checkOptions('the target', target, ['tid']);
    const { tid } = target;
    if (typeof tid === 'number' && Number.isInteger(tid) && tid > 0 && tid <= MAX_TID) return { tid };
    throw new PlatformOptionError(
      'target.tid',
      `found ${shown(tid)}, expected a thread id from 1 to ${MAX_TID}`,
    );
  }
  throw new PlatformOptionError('target', `found ${shown(target)}, expected 'thread', 'process' or { tid }`);
}

function checkedEvents(events: unknown = PERF_EVENT_NAMES): PerfEventInfo[] {
  if (!Array.isArray(events) || events.length === 0)
    throw new PlatformOptionError(
      'events',
      `expected a list of at least 1 of ${PERF_EVENT_NAMES.join(', ')}`,
    );
  // A copy, for an array may have holes, which `map` leaves out.
  const names: unknown[] = Array.from(events);
  return names.map((name, place) => {
    const info = typeof name === 'string' ? perfEventInfo(name) : undefined;
    if (info === undefined)
      throw new PlatformOptionError(
        `events[${place}]`,
        `found ${shown(name)}, expected one of ${PERF_EVENT_NAMES.join(', ')}`,
      );
    if (names.indexOf(name) !== place)
      throw new PlatformOptionError(`events[${place}]`, `${info.name} is there twice`);
    return info;
  });
}
