/** One thing that a machine may or may not offer. */
export type CapabilityStatus =
  /** This process can have it. */
  | 'available'
  /** The machine, the kernel, the runtime or this package does not have it. */
  | 'unavailable'
  /** It is there, but withheld from this process, or from part of what it could do. */
  | 'unprivileged';

export type CapabilityName =
  | 'topology'
  | 'cgroupLimits'
  | 'numaNodes'
  | 'nativeAddon'
  | 'cpuAffinity'
  | 'raisePriority'
  | 'realtimeScheduling'
  | 'memoryPolicy'
  | 'reusePort'
  | 'sharedWasmMemory'
  | 'atomicsWaitAsync'
  | 'atomicsPause'
  | 'threadCpuUsage'
  | 'transparentHugePages'
  | 'reservedHugePages'
  | 'memoryLocking'
  | 'perfEvents'
  | 'hardwareCounters'
  | 'ioUring';

/** Plain data. */
export interface Capability {
  readonly name: CapabilityName;
  readonly status: CapabilityStatus;
  /** The evidence: the file or call, what was found there, and what would be needed. */
  readonly reason: string;
}

export type Verdict = Omit<Capability, 'name'>;

export function available(reason: string): Verdict {
  return { status: 'available', reason };
}

export function unavailable(reason: string): Verdict {
  return { status: 'unavailable', reason };
}

export function unprivileged(reason: string): Verdict {
  return { status: 'unprivileged', reason };
}
