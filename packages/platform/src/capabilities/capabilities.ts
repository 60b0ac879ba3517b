/** What this machine, this runtime and this process can do, each with the evidence. */
import type { Capability, CapabilityName, Verdict } from './capability.ts';
import { available, unavailable } from './capability.ts';
import { PlatformError } from '../errors.ts';
import type { FileSystem } from '../machine/file-system.ts';
import { checkFileSystem, nodeFileSystem } from '../machine/file-system.ts';
import {
  ioUring,
  memoryLocking,
  perfEvents,
  reservedHugePages,
  transparentHugePages,
} from './kernel-capabilities.ts';
import type { Limits } from '../limits/limits.ts';
import { limits } from '../limits/limits.ts';
import {
  cpuAffinity,
  hardwareCounters,
  memoryPolicies,
  nativeAddon,
  raisePriority,
  realtimeScheduling,
  softwareEvents,
  throughAddon,
} from './native-capabilities.ts';
import { checkOptions } from '../options.ts';
import { probeReusePort } from './reuse-port.ts';
import { atomicsPause, atomicsWaitAsync, sharedWasmMemory, threadCpuUsage } from './runtime-capabilities.ts';
import { Sysfs } from '../machine/sysfs.ts';
import { Topology } from '../topology/topology.ts';

export interface CapabilitiesOptions {
  /** Where to read what is read from files. What belongs to the runtime is always tried here. Default: this machine. */
  readonly fs?: FileSystem;
}

/** Every capability once, always in the same order. Opens two sockets on the loopback for a moment. Rejects for wrong options only. */
export async function capabilities(options: CapabilitiesOptions = {}): Promise<Capability[]> {
  checkOptions('capabilities', options, ['fs']);
  const { fs } = options;
  checkFileSystem(fs);
  const sysfs = new Sysfs(fs ?? nodeFileSystem());
  const topology = readTopology(fs);
  const verdicts: Record<CapabilityName, Verdict> = {
    topology: judgeTopology(topology),
    cgroupLimits: judgeLimits(limits(fs)),
    numaNodes: judgeNodes(topology),
    nativeAddon: nativeAddon(),
    cpuAffinity: cpuAffinity(),
    raisePriority: raisePriority(sysfs),
    realtimeScheduling: realtimeScheduling(sysfs),
    memoryPolicy: memoryPolicies(),
    reusePort: await probeReusePort(),
    sharedWasmMemory: sharedWasmMemory(),
    atomicsWaitAsync: atomicsWaitAsync(),
    atomicsPause: atomicsPause(),
    threadCpuUsage: threadCpuUsage(),
    transparentHugePages: transparentHugePages(sysfs),
    reservedHugePages: reservedHugePages(sysfs),
    memoryLocking: throughAddon(memoryLocking(sysfs)),
    // Files of another machine say nothing of a call on this one.
    perfEvents: throughAddon(fs === undefined ? softwareEvents(perfEvents(sysfs)) : perfEvents(sysfs)),
    hardwareCounters: hardwareCounters(),
    ioUring: ioUring(sysfs),
  };
  return Object.entries(verdicts).map(([name, verdict]) => ({ name: name as CapabilityName, ...verdict }));
}

function readTopology(fs: FileSystem | undefined): Topology | string {
  try {
    return Topology.read(fs === undefined ? {} : { fs });
  } catch (error) {
    if (error instanceof PlatformError) return error.message;
    throw error;
  }
}

function judgeTopology(topology: Topology | string): Verdict {
  if (typeof topology === 'string') return unavailable(topology);
  if (topology.source === 'os') return unavailable(topology.notes.join('; '));
  const { PU = 0, Core, Package, NUMANode = 0 } = topology.counts;
  const shown = `/sys/devices/system: ${PU} PUs, ${Core ?? 'unknown'} cores, ${Package ?? 'unknown'} packages, ${NUMANode} nodes`;
  return Core === undefined ? unavailable(`${shown}; needs cpuN/topology`) : available(shown);
}

function judgeNodes(topology: Topology | string): Verdict {
  if (typeof topology === 'string') return unavailable(topology);
  const { nodes, source } = topology;
  if (source === 'os') return unavailable('no /sys/devices/system/node here; needs more than 1 node');
  const shown = nodes.some((node) => node.synthetic)
    ? 'no nodes in /sys/devices/system/node'
    : `/sys/devices/system/node: ${nodes.length} usable (${nodes.map((node) => node.os).join(',')})`;
  return nodes.length > 1 ? available(shown) : unavailable(`${shown}; needs more than 1`);
}

function judgeLimits({ cpuQuota, memoryLimitBytes, cpuset }: Limits): Verdict {
  const parts = [
    ['CPU quota', cpuQuota],
    ['memory limit', memoryLimitBytes],
    ['cpuset', cpuset],
  ] as const;
  const shown = parts
    .map(([what, { value, source, reason }]) => {
      if (value === null) return `${what} unknown: ${reason}`;
      return `${what} ${typeof value === 'object' ? `${value.length} CPUs` : value} (${source})`;
    })
    .join('; ');
  return parts.some(([, { value }]) => value !== null) ? available(shown) : unavailable(shown);
}
