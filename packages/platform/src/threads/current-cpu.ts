/** The CPU under the caller's feet. */
import type { Answer } from '../answer.ts';
import { unsupported, verified } from '../answer.ts';
import { CPU_NODE_UNIT } from './native-threads.ts';
import type { ThreadHost } from './thread-host.ts';
import { thisThreadHost } from './thread-host.ts';
import { notLinux, threadRefused } from './thread-id.ts';
import { readThreadStat } from './thread-stat.ts';

export interface CurrentCpu {
  readonly cpu: number;
  /** The kernel's number of its NUMA node; `null` where it has none, or is not known. */
  readonly node: number | null;
}

/** Where the calling thread runs. Unless it is pinned, it may be elsewhere by the time that the answer is read. */
export function currentCpu(host: ThreadHost = thisThreadHost()): Answer<CurrentCpu> {
  const { addon } = host.native;
  if (addon !== null) {
    const found = addon.currentCpu();
    if (found < 0) return threadRefused('getcpu()', found, undefined);
    return verified({ cpu: found % CPU_NODE_UNIT, node: Math.floor(found / CPU_NODE_UNIT) });
  }
  const lacking = notLinux(host);
  if (lacking !== undefined) return lacking;
  const stat = readThreadStat(host, undefined);
  if (stat === undefined)
    return unsupported(`/proc/thread-self/stat cannot be read, and ${host.native.reason}`);
  return verified({ cpu: stat.cpu, node: nodeOf(host, stat.cpu) });
}

/** The directory of a CPU holds a link to its node. */
function nodeOf(host: ThreadHost, cpu: number): number | null {
  for (const name of host.fs.readDir(`/sys/devices/system/cpu/cpu${cpu}`) ?? []) {
    const match = /^node([0-9]{1,5})$/.exec(name);
    if (match !== null) return Number(match[1]);
  }
  return null;
}
