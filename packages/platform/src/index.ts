export { affinity, setAffinity } from './threads/affinity.ts';
export type { Answer, Refused, Unsupported, Verified } from './answer.ts';
export { capabilities } from './capabilities/capabilities.ts';
export type { CapabilitiesOptions } from './capabilities/capabilities.ts';
export type { Capability, CapabilityName, CapabilityStatus } from './capabilities/capability.ts';
export { MAX_CPUS, formatCpuList, formatCpuMap, parseCpuList, parseCpuMap } from './machine/cpu-set.ts';
export type { CpuSet } from './machine/cpu-set.ts';
export { currentCpu } from './threads/current-cpu.ts';
export type { CurrentCpu } from './threads/current-cpu.ts';
export {
  CpuSetSyntaxError,
  MemoryRangeError,
  PlacementError,
  PlatformDisposedError,
  PlatformError,
  PlatformOptionError,
  TopologyUnavailableError,
} from './errors.ts';
export { memoryFileSystem, nodeFileSystem } from './machine/file-system.ts';
export type { FileSystem } from './machine/file-system.ts';
export { limits } from './limits/limits.ts';
export type { Limits } from './limits/limits.ts';
export {
  adviseMemory,
  alignedRange,
  bindMemory,
  hugePages,
  interleaveMemory,
  lockMemory,
  memoryPolicy,
  migrateMemory,
  pageBytes,
  prefaultMemory,
  preferMemory,
  releaseMemory,
  resetMemoryPolicy,
  residency,
  unlockMemory,
} from './memory/memory.ts';
export type { InterleaveOptions } from './memory/memory.ts';
export type { Advised, MemoryAdvice } from './memory/advice.ts';
export type { HugePages, HugePagesMode } from './memory/huge.ts';
export type { MemoryLock } from './memory/lock.ts';
export type { Migration } from './memory/migration.ts';
export type { MemoryPolicyOptions, MemoryPolicySet } from './memory/policy.ts';
export type { MemoryPolicyMode, MemoryPolicySegment } from './memory/policy-segments.ts';
export type { Prefault, PrefaultOptions } from './memory/prefault.ts';
export type { AlignedRangeOptions } from './memory/aligned-range.ts';
export type { Release } from './memory/release.ts';
export { PAGE_ABSENT, PAGE_ZERO } from './memory/residency.ts';
export type { NodePages, Residency, ResidencyOptions } from './memory/residency.ts';
export type { NativeThreads } from './threads/native-threads.ts';
export { nice, setNice } from './threads/nice.ts';
export { pin } from './threads/pin.ts';
export type { Pinned } from './threads/pin.ts';
export { place } from './threads/placement.ts';
export type { Placement, PlacementSlot } from './threads/placement.ts';
export { MAX_PLACEMENT_THREADS } from './threads/placement-options.ts';
export type { AutomaticPlacement, ExplicitPlacement, PlacementOptions } from './threads/placement-options.ts';
export { PERF_EVENT_NAMES } from './perf/event-table.ts';
export type { PerfEventName } from './perf/event-table.ts';
export { PerfEvents } from './perf/events.ts';
export type { PerfCount, PerfReading } from './perf/events.ts';
export type { PerfMachine, PerfNative } from './perf/machine.ts';
export type { PerfEventsOptions } from './perf/options.ts';
export type { PerfTarget, PerfTier } from './perf/source.ts';
export type { Pressure, PressureLine } from './limits/pressure.ts';
export type { ResourceLimit } from './limits/process-limits.ts';
export type { Bound, Reading } from './limits/reading.ts';
export { schedulingPolicy, setSchedulingPolicy } from './threads/scheduling.ts';
export type {
  SchedulingPolicy,
  SchedulingPolicyName,
  SchedulingPolicyRequest,
} from './threads/scheduling.ts';
export { ThreadClock, threadCpuTimeNs } from './threads/thread-clock.ts';
export type { ThreadFile, ThreadHost } from './threads/thread-host.ts';
export { threadId } from './threads/thread-id.ts';
export { MAX_THREAD_NAME_BYTES, setThreadName, threadName } from './threads/thread-name.ts';
export { threads } from './threads/threads.ts';
export type { ThreadInfo } from './threads/threads.ts';
export { Topology } from './topology/topology.ts';
export type { TopologyReadOptions } from './topology/topology.ts';
export { cacheKind } from './topology/topology-data.ts';
export type {
  Cache,
  CacheKind,
  CacheType,
  Cluster,
  Core,
  CoreKind,
  Die,
  Group,
  MemorySideCache,
  NodeAccess,
  NumaNode,
  Package,
  Pu,
  TopologyData,
  TopologyKind,
} from './topology/topology-data.ts';
