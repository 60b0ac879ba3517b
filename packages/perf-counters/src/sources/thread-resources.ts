// Page faults, context switches and waiting for a processor, of this thread: from its files in /proc, so only on Linux.
import { Accumulated } from './accumulated.ts';
import type { Host } from './host.ts';
import { procText, statusValue, threadStat } from './proc-files.ts';
import type { Missing, OpenSource, Source } from './source.ts';
import type { SourceMetrics } from './source-metrics.ts';

const STATUS = '/proc/thread-self/status';
const SCHEDULING = '/proc/thread-self/schedstat';
const WAITING = 'nodejs_thread_run_queue_seconds_total';

export function threadResourcesSource(host: Host): Source {
  return {
    name: 'threadResources',
    scope: 'thread',
    open: (metrics) => {
      const stat = threadStat(host);
      const status = procText(host, STATUS);
      if (typeof stat === 'string') return { absent: stat };
      if (typeof status === 'string') return { absent: status };
      return open(metrics, host);
    },
  };
}

function open(metrics: SourceMetrics, host: Host): OpenSource {
  const faults = metrics.counter({
    name: 'nodejs_thread_page_faults_total',
    help: 'Page faults of the threads that are watched, since they are; major ones read from a disk.',
    labels: ['kind'],
  });
  const switches = metrics.counter({
    name: 'nodejs_thread_context_switches_total',
    help: 'Context switches of the threads that are watched, since they are; involuntary ones while there was more to do.',
    labels: ['kind'],
  });
  const known = [
    new Accumulated(faults('minor'), NaN),
    new Accumulated(faults('major'), NaN),
    new Accumulated(switches('voluntary'), NaN),
    new Accumulated(switches('involuntary'), NaN),
  ] as const;
  const missing: Missing[] = [];
  const firstWaitNs = runQueueNs(host);
  const waiting =
    typeof firstWaitNs === 'string'
      ? undefined
      : new Accumulated(
          metrics.counter({
            name: WAITING,
            help: 'Time that the threads that are watched could have run and waited for a processor, since they are.',
            unit: 'seconds',
            perUnit: 1e9,
          })(),
          firstWaitNs,
        );
  if (typeof firstWaitNs === 'string') missing.push({ metric: WAITING, reason: firstWaitNs });
  const sample = (): void => {
    const stat = threadStat(host);
    const status = procText(host, STATUS);
    if (typeof stat === 'string') throw new Error(stat);
    if (typeof status === 'string') throw new Error(status);
    const { text } = status;
    const figures = [
      stat.minorFaults,
      stat.majorFaults,
      statusValue(text, 'voluntary_ctxt_switches'),
      statusValue(text, 'nonvoluntary_ctxt_switches'),
    ];
    known.forEach((each, i) => each.follow(figures[i] as number));
    const waitNs = waiting === undefined ? NaN : runQueueNs(host);
    if (typeof waitNs === 'number') waiting?.follow(waitNs);
  };
  sample(); // what was before is not counted
  return { sample, missing: () => missing };
}

/** Nanoseconds, or why they are not known. */
function runQueueNs(host: Host): number | string {
  const file = procText(host, SCHEDULING);
  if (typeof file === 'string') return file;
  const [ranNs = NaN, waitedNs = NaN] = file.text.split(' ').map(Number);
  // A kernel without CONFIG_SCHED_INFO tells zeros.
  return ranNs > 0 && Number.isSafeInteger(waitedNs)
    ? waitedNs
    : `${SCHEDULING} holds ${JSON.stringify(file.text.slice(0, 80))}, expected times: the kernel keeps none`;
}
