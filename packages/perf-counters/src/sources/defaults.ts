// The sources that nearly every process wants: prom-client's default metrics, and what Node and Linux tell beyond.
import { Arena } from '@corelane/shared-memory';
import type { Registry } from '../registry.ts';
import { activeHandlesSource, activeRequestsSource, activeResourcesSource } from './active.ts';
import { arenasSource } from './arenas.ts';
import { eventLoopDelaySource } from './event-loop-delay.ts';
import { eventLoopUtilizationSource } from './event-loop-utilization.ts';
import { fileDescriptorsSource } from './file-descriptors.ts';
import { gcSource } from './gc.ts';
import { hardwareEventsSource } from './hardware-events.ts';
import { heapSource, heapSpacesSource } from './heap.ts';
import { thisHost, type Host } from './host.ts';
import {
  checkDefaultsOptions,
  DEFAULT_SOURCE_NAMES,
  type DefaultsOptions,
  type DefaultSourceName,
} from './options.ts';
import { processInfoSource } from './process-info.ts';
import { processMemorySource } from './process-memory.ts';
import { processCpuSource, processResourcesSource } from './process-usage.ts';
import type { Source } from './source.ts';
import { startChecked, type Sources } from './sources.ts';
import { threadCpuSource } from './thread-cpu.ts';
import { threadResourcesSource } from './thread-resources.ts';

/** Milliseconds, as in prom-client. */
const EVENT_LOOP_PRECISION_MS = 10;

/**
 * Reads this thread, and the process where no other thread does, at intervals, and records what they tell. As prom-client's function of
 * this name, with its names where they mean the same; called once on every thread.
 * @param host another machine, for tests @internal
 * @throws ArgumentRangeError, SourceRunningError, ProcessClaimedError, MetricNameError, RedefinitionError (labels of other names on
 *   another thread), MetricsExhaustedError, SeriesExhaustedError, the reason of a signal that is aborted already
 */
export function collectDefaults(
  registry: Registry,
  options: DefaultsOptions = {},
  host: Host = thisHost(),
): Sources {
  const checked = checkDefaultsOptions(options);
  const {
    sources = DEFAULT_SOURCE_NAMES,
    arenas = {},
    gcDurationBuckets,
    threadCpu,
    hardwareEvents,
  } = options;
  const { eventLoopMonitoringPrecision = EVENT_LOOP_PRECISION_MS } = options;
  const make: Readonly<Record<DefaultSourceName, () => Source>> = {
    eventLoopDelay: () => eventLoopDelaySource(host, eventLoopMonitoringPrecision),
    eventLoopUtilization: () => eventLoopUtilizationSource(host),
    gc: () => gcSource(host, gcDurationBuckets),
    heap: () => heapSource(host),
    heapSpaces: () => heapSpacesSource(host),
    arenas: () => arenasSource({ registry: Arena.attach(registry.handle.arena), ...arenas }),
    threadCpu: () => threadCpuSource(host, threadCpu),
    threadResources: () => threadResourcesSource(host),
    hardwareEvents: () => hardwareEventsSource(hardwareEvents),
    activeHandles: () => activeHandlesSource(host),
    activeRequests: () => activeRequestsSource(host),
    activeResources: () => activeResourcesSource(host),
    processCpu: () => processCpuSource(host),
    processMemory: () => processMemorySource(host),
    processResources: () => processResourcesSource(host),
    fileDescriptors: () => fileDescriptorsSource(host),
    processInfo: () => processInfoSource(host),
  };
  return startChecked(
    registry,
    DEFAULT_SOURCE_NAMES.filter((name) => sources.includes(name)).map((name) => make[name]()),
    checked,
  );
}
