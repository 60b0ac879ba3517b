// The heap of this thread's isolate, and what belongs to it outside.
import { Accumulated } from './accumulated.ts';
import type { Host } from './host.ts';
import type { Missing, Source } from './source.ts';

const ALLOCATED = 'nodejs_heap_allocated_bytes_total';

export function heapSource(host: Host): Source {
  return {
    name: 'heap',
    scope: 'thread',
    open: (metrics) => {
      const bytes = (name: string, help: string) => metrics.gauge({ name, help, unit: 'bytes' })();
      const total = bytes('nodejs_heap_size_total_bytes', 'Process heap size from Node.js in bytes.');
      const used = bytes('nodejs_heap_size_used_bytes', 'Process heap size used from Node.js in bytes.');
      const external = bytes('nodejs_external_memory_bytes', 'Node.js external memory size in bytes.');
      const buffers = bytes(
        'nodejs_array_buffers_bytes',
        'Memory of ArrayBuffers and SharedArrayBuffers, part of the external memory.',
      );
      const limit = bytes('nodejs_heap_size_limit_bytes', 'What the heap may grow to.');
      const malloced = bytes('nodejs_heap_malloced_bytes', 'Memory that V8 has from malloc.');
      const contexts = metrics.gauge({
        name: 'nodejs_heap_contexts',
        help: 'Native contexts, and those of them that are detached and not collected yet.',
        labels: ['state'],
      });
      const first = host.heapStatistics().total_allocated_bytes;
      const allocated =
        first === undefined
          ? undefined
          : new Accumulated(
              metrics.counter({
                name: ALLOCATED,
                help: 'Bytes allocated on the heap since it is watched.',
                unit: 'bytes',
              })(),
              first,
            );
      const missing: readonly Missing[] =
        allocated === undefined
          ? [{ metric: ALLOCATED, reason: `Node ${host.nodeVersion} does not tell it, Node 26 does` }]
          : [];
      return {
        sample: () => {
          const usage = host.memoryUsage();
          total.set(usage.heapTotal);
          used.set(usage.heapUsed);
          external.set(usage.external);
          buffers.set(usage.arrayBuffers);
          const statistics = host.heapStatistics();
          limit.set(statistics.heap_size_limit);
          malloced.set(statistics.malloced_memory);
          contexts('native').set(statistics.number_of_native_contexts);
          contexts('detached').set(statistics.number_of_detached_contexts);
          allocated?.follow(statistics.total_allocated_bytes ?? Number.NaN);
        },
        missing: () => missing,
      };
    },
  };
}

export function heapSpacesSource(host: Host): Source {
  return {
    name: 'heapSpaces',
    scope: 'thread',
    open: (metrics) => {
      const [total, used, available] = ['total', 'used', 'available'].map((figure) =>
        metrics.gauge({
          name: `nodejs_heap_space_size_${figure}_bytes`,
          help: `Process heap space size ${figure} from Node.js in bytes.`,
          labels: ['space'],
          unit: 'bytes',
        }),
      ) as [
        ReturnType<typeof metrics.gauge>,
        ReturnType<typeof metrics.gauge>,
        ReturnType<typeof metrics.gauge>,
      ];
      return {
        sample: () => {
          for (const each of host.heapSpaces()) {
            // As prom-client: `new_large_object_space` is `new_large_object`.
            const space = each.space_name.replace(/_space.*/, '');
            total(space).set(each.space_size);
            used(space).set(each.space_used_size);
            available(space).set(each.space_available_size);
          }
        },
      };
    },
  };
}
