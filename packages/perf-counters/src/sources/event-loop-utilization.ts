// How much of the time the event loop is busy.
import { Accumulated } from './accumulated.ts';
import type { Host } from './host.ts';
import type { Source } from './source.ts';

const NS_PER_MS = 1e6;

export function eventLoopUtilizationSource(host: Host): Source {
  return {
    name: 'eventLoopUtilization',
    scope: 'thread',
    open: (metrics) => {
      const utilization = metrics.gauge({
        name: 'nodejs_eventloop_utilization_ratio',
        help: 'Share of the time since the last sample that the event loop was busy, 0 to 1.',
        aggregator: 'average',
      })();
      const time = metrics.counter({
        name: 'nodejs_eventloop_seconds_total',
        help: 'Time that the event loop has been active, and idle, since it is watched.',
        labels: ['state'],
        unit: 'seconds',
        perUnit: 1e9,
      });
      let last = host.eventLoopUtilization();
      // Of the start alone, in which no loop turns: it would tell of a thread that is busy, until the next sample.
      let isFirst = true;
      const active = new Accumulated(time('active'), Math.round(last.active * NS_PER_MS));
      const idle = new Accumulated(time('idle'), Math.round(last.idle * NS_PER_MS));
      return {
        sample: () => {
          const now = host.eventLoopUtilization();
          const activeMs = now.active - last.active;
          const passedMs = activeMs + now.idle - last.idle;
          if (passedMs > 0 && !isFirst) utilization.set(activeMs / passedMs);
          isFirst = false;
          active.follow(Math.round(now.active * NS_PER_MS));
          idle.follow(Math.round(now.idle * NS_PER_MS));
          last = now;
        },
      };
    },
  };
}
