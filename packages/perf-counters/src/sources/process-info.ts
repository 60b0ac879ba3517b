// When the process began, and which Node it runs.
import type { Host } from './host.ts';
import type { Source } from './source.ts';

export function processInfoSource(host: Host): Source {
  return {
    name: 'processInfo',
    scope: 'process',
    open: (metrics) => {
      const start = metrics.gauge({
        name: 'process_start_time_seconds',
        help: 'Start time of the process since unix epoch in seconds.',
        unit: 'seconds',
        aggregator: 'max',
      })();
      const info = metrics.gauge({
        name: 'nodejs_version_info',
        help: 'Node.js version info.',
        labels: ['version', 'major', 'minor', 'patch'],
        aggregator: 'max',
      });
      const [major = '', minor = '', patch = ''] = host.nodeVersion.slice(1).split('.');
      // To the second, as prom-client: a clock that is set later must not look like a restart.
      start.set(Math.round(host.epochMs() / 1000 - host.uptimeSeconds()));
      info(host.nodeVersion, major, minor, patch).set(1);
      return { sample: () => {} };
    },
  };
}
