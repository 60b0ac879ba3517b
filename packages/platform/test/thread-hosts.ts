/** Systems other than this one, and kernels that behave otherwise. */
import { memoryFileSystem } from '../src/index.ts';
import type { NativeThreads, ThreadHost } from '../src/index.ts';

export const ME = 4711;

/** Without the addon. */
export function host(
  platform: string,
  files: Record<string, string> = {},
  part: Partial<ThreadHost> = {},
): ThreadHost {
  return {
    platform,
    native: { addon: null, reason: 'there is no addon for the test' },
    fs: memoryFileSystem(files),
    readLink: (path) =>
      path === '/proc/thread-self' && platform === 'linux' ? `4000/task/${ME}` : undefined,
    writeFile: () => -2,
    open: () => undefined,
    priority: () => -3,
    setNice: () => -3,
    cpuTimeNs: () => undefined,
    ...part,
  };
}

/** Linux with an addon that answers as told, and -ENOSYS for everything else. */
export function withAddon(addon: Partial<NativeThreads>, files: Record<string, string> = {}): ThreadHost {
  const absent = (): number => -38;
  const complete: NativeThreads = {
    threadId: () => ME,
    ownThread: () => 0,
    currentCpu: absent,
    affinity: absent,
    setAffinity: absent,
    priority: absent,
    setNice: absent,
    scheduler: absent,
    schedulerPriority: absent,
    setScheduler: absent,
    threadCpuTimeNs: absent,
    threadCpuTimeInto: () => {},
    ...addon,
  };
  return host('linux', files, { native: { addon: complete, reason: 'the addon of the test' } });
}

/** A thread's directory in /proc. */
export function task(
  tid: number | 'self',
  {
    comm = 'a) (b',
    ...rest
  }: { comm?: string; cpu?: number; nice?: number; policy?: number; priority?: number } = {},
): Record<string, string> {
  const directory = tid === 'self' ? '/proc/thread-self' : `/proc/self/task/${tid}`;
  const fields = Array.from({ length: 50 }, () => '0');
  const put = (field: number, value: number | string): string => (fields[field - 3] = `${value}`);
  put(3, 'S');
  put(14, 7);
  put(15, 5);
  put(19, rest.nice ?? 0);
  put(39, rest.cpu ?? 0);
  put(40, rest.priority ?? 0);
  put(41, rest.policy ?? 0);
  return {
    [`${directory}/stat`]: `${tid === 'self' ? ME : tid} (${comm}) ${fields.join(' ')}\n`,
    [`${directory}/comm`]: `${comm}\n`,
    [`${directory}/schedstat`]: '123456789 5 6\n',
    [`${directory}/status`]: `Name:\t${comm}\nCpus_allowed_list:\t0-3,8\n`,
  };
}
