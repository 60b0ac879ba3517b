// Handles, requests and resources that keep this thread's event loop alive, by type: as prom-client has them.
import type { Gauge } from '../gauge.ts';
import type { Host } from './host.ts';
import type { OpenSource, Source } from './source.ts';
import type { Bound } from './source-metrics.ts';

export function activeHandlesSource(host: Host): Source {
  return activeSource('activeHandles', 'nodejs_active_handles', {
    byType: 'Number of active libuv handles grouped by handle type. Every handle type is C++ class name.',
    total: 'Total number of active handles.',
    types: host.activeHandles && (() => classNames(host.activeHandles?.() ?? [])),
    absent: `Node ${host.nodeVersion} has no process._getActiveHandles`,
  });
}

export function activeRequestsSource(host: Host): Source {
  return activeSource('activeRequests', 'nodejs_active_requests', {
    byType: 'Number of active libuv requests grouped by request type. Every request type is C++ class name.',
    total: 'Total number of active requests.',
    types: host.activeRequests && (() => classNames(host.activeRequests?.() ?? [])),
    absent: `Node ${host.nodeVersion} has no process._getActiveRequests`,
  });
}

export function activeResourcesSource(host: Host): Source {
  return activeSource('activeResources', 'nodejs_active_resources', {
    byType:
      'Number of active resources that are currently keeping the event loop alive, grouped by async resource type.',
    total: 'Total number of active resources.',
    types: () => host.activeResources(),
    absent: '',
  });
}

interface Active {
  /** Helps. */
  readonly byType: string;
  readonly total: string;
  /** Of each. */
  readonly types: (() => readonly string[]) | undefined;
  readonly absent: string;
}

function activeSource(name: string, metric: string, { byType, total, types, absent }: Active): Source {
  return {
    name,
    scope: 'thread',
    isSlow: true,
    open: (metrics) => {
      if (types === undefined) return { absent };
      return open(types, {
        byType: metrics.gauge({ name: metric, help: byType, labels: ['type'] }),
        total: metrics.gauge({ name: `${metric}_total`, help: total })(),
      });
    },
  };
}

function open(
  types: () => readonly string[],
  gauges: { readonly byType: Bound<Gauge>; readonly total: Gauge },
): OpenSource {
  let known = new Set<string>();
  return {
    sample: () => {
      const counts = new Map<string, number>();
      const found = types();
      for (const type of found) counts.set(type, (counts.get(type) ?? 0) + 1);
      for (const [type, count] of counts) gauges.byType(type).set(count);
      // As prom-client: a type of which there is none has no line.
      for (const type of known) if (!counts.has(type)) gauges.byType(type).clear();
      known = new Set(counts.keys());
      gauges.total.set(found.length);
    },
  };
}

function classNames(objects: readonly unknown[]): string[] {
  return objects.map(
    (each) => (each as { constructor?: { name?: string } } | null)?.constructor?.name ?? 'unknown',
  );
}
