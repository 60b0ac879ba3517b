// CPU time, page faults and context switches of the whole process.
import { Accumulated } from './accumulated.ts';
import type { CounterOptions } from '../definition.ts';
import type { Host } from './host.ts';
import type { Source } from './source.ts';
import type { SourceMetrics } from './source-metrics.ts';

/**
 * Follows a figure of the process since its start. What threads that published it before have counted is not counted again, whatever
 * their labels.
 */
function follow(metrics: SourceMetrics, options: CounterOptions, ...own: string[]): Accumulated {
  return new Accumulated(metrics.counter(options)(...own), metrics.counted(options.name, own));
}

export function processCpuSource(host: Host): Source {
  return {
    name: 'processCpu',
    scope: 'process',
    open: (metrics) => {
      const seconds = (name: string, help: string): Accumulated =>
        follow(metrics, { name, help, unit: 'seconds', perUnit: 1e6 });
      const user = seconds('process_cpu_user_seconds_total', 'Total user CPU time spent in seconds.');
      const system = seconds('process_cpu_system_seconds_total', 'Total system CPU time spent in seconds.');
      const total = seconds('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.');
      return {
        sample: () => {
          const usage = host.cpuUsage();
          user.follow(usage.user);
          system.follow(usage.system);
          total.follow(usage.user + usage.system);
        },
      };
    },
  };
}

export function processResourcesSource(host: Host): Source {
  return {
    name: 'processResources',
    scope: 'process',
    open: (metrics) => {
      if (host.platform === 'win32')
        return { absent: 'Windows tells page faults of both kinds in one, and no context switches' };
      const faults = {
        name: 'process_page_faults_total',
        help: 'Page faults of the process; major ones read from a disk.',
        labels: ['kind'],
      };
      const switches = {
        name: 'process_context_switches_total',
        help: 'Context switches of all threads of the process; involuntary ones while there was more to do.',
        labels: ['kind'],
      };
      const minor = follow(metrics, faults, 'minor');
      const major = follow(metrics, faults, 'major');
      const voluntary = follow(metrics, switches, 'voluntary');
      const involuntary = follow(metrics, switches, 'involuntary');
      return {
        sample: () => {
          const usage = host.resourceUsage();
          minor.follow(usage.minorPageFault);
          major.follow(usage.majorPageFault);
          voluntary.follow(usage.voluntaryContextSwitches);
          involuntary.follow(usage.involuntaryContextSwitches);
        },
      };
    },
  };
}
