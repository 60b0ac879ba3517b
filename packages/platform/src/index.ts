export { capabilities } from './capabilities.ts';
export type { CapabilitiesOptions } from './capabilities.ts';
export type { Capability, CapabilityName, CapabilityStatus } from './capability.ts';
export { MAX_CPUS, formatCpuList, formatCpuMap, parseCpuList, parseCpuMap } from './cpu-set.ts';
export type { CpuSet } from './cpu-set.ts';
export { CpuSetSyntaxError, PlatformError, PlatformOptionError, TopologyUnavailableError } from './errors.ts';
export { memoryFileSystem, nodeFileSystem } from './file-system.ts';
export type { FileSystem } from './file-system.ts';
export { limits } from './limits.ts';
export type { Limits } from './limits.ts';
export type { Pressure, PressureLine } from './pressure.ts';
export type { ResourceLimit } from './process-limits.ts';
export type { Bound, Reading } from './reading.ts';
export { Topology } from './topology.ts';
export type { TopologyReadOptions } from './topology.ts';
export { cacheKind } from './topology-data.ts';
export type {
  Cache,
  CacheKind,
  CacheType,
  Cluster,
  Core,
  CoreKind,
  Die,
  MemorySideCache,
  NodeAccess,
  NumaNode,
  Package,
  Pu,
  TopologyData,
  TopologyKind,
} from './topology-data.ts';
