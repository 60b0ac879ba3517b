// A machine whose figures a test sets, timers that it lets pass, and the registry to record in.
import { Arena } from '@corelane/shared-memory';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { Registry, type RegistrySnapshot } from '../../src/index.ts';
import { thisHost, type GcPause, type Host } from '../../src/sources/host.ts';
import type { Timers } from '../../src/sources/index.ts';

export function newRegistry(): Registry {
  return Registry.create(Arena.create({ bytes: 4 << 20 }), { series: 512, writers: 4 });
}

export function valuesOf(snapshot: RegistrySnapshot, name: string): Record<string, number> {
  const metric = snapshot.metrics.find((each) => each.name === name);
  return Object.fromEntries(
    (metric?.series ?? []).map((each) => [
      Object.entries(each.labels)
        .map(([label, value]) => `${label}=${value}`)
        .join(),
      'value' in each ? each.value : each.count,
    ]),
  );
}

/** The value of a metric's only series; undefined where it has none. */
export function valueOf(registry: Registry, name: string): number | undefined {
  return Object.values(valuesOf(registry.read(), name))[0];
}

export class FakeTimers implements Timers {
  readonly running = new Set<{ readonly intervalMs: number; readonly run: () => void }>();

  every(intervalMs: number, run: () => void): () => void {
    const timer = { intervalMs, run };
    this.running.add(timer);
    return () => this.running.delete(timer);
  }

  /** Each timer of this interval fires once. */
  fire(intervalMs: number): void {
    for (const timer of this.running) if (timer.intervalMs === intervalMs) timer.run();
  }
}

export interface FakeHost extends Host {
  /** What the next reads find. */
  readonly now: {
    cpu: { user: number; system: number };
    switches: { voluntary: number; involuntary: number };
    files: Record<string, string>;
    sizes: Record<string, number>;
    entries: () => Promise<number>;
    handles: readonly unknown[];
    resources: readonly string[];
  };
  /** What looks at the event loop have found, in nanoseconds. */
  readonly delays: RecordableHistogram;
  /** Told to whoever observes. */
  collect(pause: GcPause): void;
  /** Pauses that Node has not told yet: it does when it is asked. */
  readonly untold: GcPause[];
  readonly observers: { gc: number; delay: number };
}

export function fakeHost(overrides: Partial<Host> = {}): FakeHost {
  const now: FakeHost['now'] = {
    cpu: { user: 1_000_000, system: 500_000 },
    switches: { voluntary: 10, involuntary: 4 },
    files: {
      '/proc/self/status': 'Name:\tnode\nVmSize:\t  3000 kB\nVmRSS:\t  2000 kB\nVmData:\t  1000 kB\n',
      '/proc/self/limits':
        'Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 4096                 files     \n',
      '/proc/thread-self/stat':
        '7 (a) b (c)) S 1 7 7 0 -1 4194304 11 0 3 0 5 7 0 0 20 0 11 0 100 1 2 18446744073709551615',
      '/proc/thread-self/status':
        'Name:\tnode\nvoluntary_ctxt_switches:\t20\nnonvoluntary_ctxt_switches:\t4\n',
      '/proc/thread-self/schedstat': '1000000000 5000000 7\n',
    },
    sizes: { '/proc/self/fd': 17 },
    entries: () => Promise.resolve(18),
    handles: [],
    resources: [],
  };
  const delays = createHistogram();
  const observers = { gc: 0, delay: 0 };
  let tellGc: ((pause: GcPause) => void) | undefined;
  const untold: GcPause[] = [];
  const find = <T>(from: Record<string, T>, path: string): T => {
    const found = from[path];
    if (found === undefined) throw new Error(`ENOENT: ${path}`);
    return found;
  };
  return {
    ...thisHost(),
    now,
    observers,
    delays,
    collect: (pause) => tellGc?.(pause),
    untold,
    platform: 'linux',
    nodeVersion: 'v26.1.2',
    readText: (path) => find(now.files, path),
    sizeOf: (path) => find(now.sizes, path),
    countEntries: () => now.entries(),
    cpuUsage: () => now.cpu,
    resourceUsage: () => ({
      ...process.resourceUsage(),
      voluntaryContextSwitches: now.switches.voluntary,
      involuntaryContextSwitches: now.switches.involuntary,
    }),
    activeHandles: () => now.handles,
    activeRequests: () => [],
    activeResources: () => now.resources,
    observeGc: (tell) => {
      observers.gc++;
      tellGc = tell;
      return {
        flush: () => {
          for (const pause of untold.splice(0)) tellGc?.(pause);
        },
        disconnect: () => {
          observers.gc--;
          tellGc = undefined;
        },
      };
    },
    monitorEventLoopDelay: () => {
      observers.delay++;
      return Object.assign(delays, {
        disable: () => {
          observers.delay--;
          return true;
        },
      });
    },
    ...overrides,
  };
}
