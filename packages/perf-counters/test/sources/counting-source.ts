import type { Source } from '../../src/sources/index.ts';

/** A source that says how often it was read. */
export function counting(
  overrides: Partial<Source> & { readonly onSample?: () => void | Promise<void> } = {},
): {
  source: Source;
  events: string[];
} {
  const { onSample, ...rest } = overrides;
  const events: string[] = [];
  const source: Source = {
    name: 'counting',
    scope: 'thread',
    open: (metrics) => {
      events.push('open');
      const reads = metrics.counter({ name: 'reads_total', help: 'Reads' })();
      const level = metrics.gauge({ name: 'level', help: 'Level' })();
      return {
        sample: () => {
          events.push('sample');
          reads.inc();
          level.set(7);
          return onSample?.();
        },
        close: () => events.push('close'),
      };
    },
    ...rest,
  };
  return { source, events };
}
