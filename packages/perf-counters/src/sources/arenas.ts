// Memory that threads share. Every thread sees the same figures, so the largest of them is the figure.
import type { ArenaUsage } from './ports.ts';
import type { Source } from './source.ts';

export function arenasSource(arenas: Readonly<Record<string, ArenaUsage>>): Source {
  return {
    name: 'arenas',
    scope: 'thread',
    open: (metrics) => {
      const gauge = (name: string, help: string) =>
        metrics.gauge({ name, help, labels: ['arena'], unit: 'bytes', aggregator: 'max' });
      const size = gauge('corelane_arena_size_bytes', 'Size of a shared arena.');
      const used = gauge('corelane_arena_used_bytes', 'Bytes of a shared arena that are allocated.');
      return {
        sample: () => {
          for (const [name, { bytes, usedBytes }] of Object.entries(arenas)) {
            size(name).set(bytes);
            used(name).set(usedBytes);
          }
        },
      };
    },
  };
}
