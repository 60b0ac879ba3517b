// Open file descriptors, and how many there may be.
//
// Linux 6.2 and later tell the number as the size of /proc/self/fd: microseconds, however many there are. Before, the directory is listed, in
// the thread pool; that takes a millisecond for some thousand descriptors.
import type { Host } from './host.ts';
import { procText } from './proc-files.ts';
import type { LateRecord, Missing, Source } from './source.ts';

const OPEN = '/proc/self/fd';
const LIMITS = '/proc/self/limits';

export function fileDescriptorsSource(host: Host): Source {
  return {
    name: 'fileDescriptors',
    scope: 'process',
    isSlow: true,
    open: (metrics) => {
      const limits = procText(host, LIMITS);
      const isCounted = sizeOf(host) > 0;
      if (typeof limits === 'string' && !isCounted) return { absent: limits };
      const gauge = (name: string, help: string) => metrics.gauge({ name, help, aggregator: 'max' })();
      const open = gauge('process_open_fds', 'Number of open file descriptors.');
      const most =
        typeof limits === 'string'
          ? undefined
          : gauge('process_max_fds', 'Maximum number of open file descriptors.');
      const missing: Missing[] =
        typeof limits === 'string' ? [{ metric: 'process_max_fds', reason: limits }] : [];
      const list = async (): Promise<LateRecord> => {
        // One of them is the list's own.
        const count = (await host.countEntries(OPEN)) - 1;
        return () => open.set(count);
      };
      return {
        sample: () => {
          // The limit can change: `prlimit`, or the process itself.
          most?.set(maxOpenFiles(host.readText(LIMITS)));
          if (!isCounted) return list();
          open.set(host.sizeOf(OPEN));
          return undefined;
        },
        missing: () => missing,
      };
    },
  };
}

/** 0 where the kernel does not tell. */
function sizeOf(host: Host): number {
  if (host.platform !== 'linux') return 0;
  try {
    return host.sizeOf(OPEN);
  } catch {
    return 0;
  }
}

/** The soft limit. */
function maxOpenFiles(limits: string): number {
  const found = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return found === 'unlimited' ? Infinity : Number(found);
}
