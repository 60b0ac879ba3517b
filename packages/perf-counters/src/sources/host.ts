// What sources read of this process and machine, in one place, so that a test can be another machine.
import { readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import {
  monitorEventLoopDelay,
  performance,
  PerformanceObserver,
  type EventLoopUtilization,
} from 'node:perf_hooks';
import process from 'node:process';
import { getHeapSpaceStatistics, getHeapStatistics, type HeapInfo, type HeapSpaceInfo } from 'node:v8';

/** Delays in nanoseconds, the resolution included. */
export interface DelayHistogram {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  percentile(percentile: number): number;
  reset(): void;
  disable(): boolean;
}

export interface GcPause {
  /** One of `NODE_PERFORMANCE_GC_*`. */
  readonly kind: number;
  readonly durationMs: number;
}

/** Microseconds. */
export interface CpuTimes {
  readonly user: number;
  readonly system: number;
}

export interface Host {
  readonly platform: string;
  /** `v26.10.0`. */
  readonly nodeVersion: string;
  /** @throws where it can not be read */
  readText(path: string): string;
  /** What `stat` tells. @throws */
  sizeOf(path: string): number;
  countEntries(path: string): Promise<number>;
  epochMs(): number;
  uptimeSeconds(): number;
  memoryUsage(): NodeJS.MemoryUsage;
  rss(): number;
  /** `total_allocated_bytes` from Node 26 on. */
  heapStatistics(): HeapInfo & { readonly total_allocated_bytes?: number | undefined };
  heapSpaces(): readonly HeapSpaceInfo[];
  cpuUsage(): CpuTimes;
  /** From Node 23.9 on. */
  readonly threadCpuUsage: (() => CpuTimes) | undefined;
  resourceUsage(): NodeJS.ResourceUsage;
  eventLoopUtilization(): EventLoopUtilization;
  /** Begins at once. */
  monitorEventLoopDelay(resolutionMs: number): DelayHistogram;
  /** @returns what ends it, and what fetches pauses that were not told yet */
  observeGc(tell: (pause: GcPause) => void): { flush(): void; disconnect(): void };
  /** Class names; undefined where Node has no such function any more. */
  readonly activeHandles: (() => readonly unknown[]) | undefined;
  readonly activeRequests: (() => readonly unknown[]) | undefined;
  activeResources(): readonly string[];
}

/** Undocumented, and what prom-client reads. */
interface Internals {
  readonly _getActiveHandles?: () => readonly unknown[];
  readonly _getActiveRequests?: () => readonly unknown[];
  readonly threadCpuUsage?: () => CpuTimes;
}

export function thisHost(): Host {
  const internals = process as unknown as Internals;
  return {
    platform: process.platform,
    nodeVersion: process.version,
    readText: (path) => readFileSync(path, 'latin1'),
    sizeOf: (path) => statSync(path).size,
    countEntries: async (path) => (await readdir(path)).length,
    epochMs: () => Date.now(),
    uptimeSeconds: () => process.uptime(),
    memoryUsage: () => process.memoryUsage(),
    rss: () => process.memoryUsage.rss(),
    heapStatistics: getHeapStatistics,
    heapSpaces: getHeapSpaceStatistics,
    cpuUsage: () => process.cpuUsage(),
    threadCpuUsage: internals.threadCpuUsage?.bind(process),
    resourceUsage: () => process.resourceUsage(),
    eventLoopUtilization: () => performance.eventLoopUtilization(),
    monitorEventLoopDelay: (resolution) => {
      const histogram = monitorEventLoopDelay({ resolution });
      histogram.enable();
      return histogram;
    },
    observeGc,
    activeHandles: internals._getActiveHandles?.bind(process),
    activeRequests: internals._getActiveRequests?.bind(process),
    activeResources: () => process.getActiveResourcesInfo(),
  };
}

function observeGc(tell: (pause: GcPause) => void): { flush(): void; disconnect(): void } {
  const tellAll = (entries: readonly PerformanceEntry[]): void => {
    for (const { duration, detail } of entries as readonly (PerformanceEntry & {
      detail: { kind: number };
    })[])
      tell({ kind: detail.kind, durationMs: duration });
  };
  const observer = new PerformanceObserver((list) => tellAll(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  return { flush: () => tellAll(observer.takeRecords()), disconnect: () => observer.disconnect() };
}
