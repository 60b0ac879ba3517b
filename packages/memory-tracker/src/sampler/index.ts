export {
  cgroupMemory,
  readCgroup,
  type CgroupMemory,
  type CgroupOptions,
  type NoCgroupMemory,
} from './cgroup.ts';
export { assessGrowth, type GrowthOptions, type GrowthReport } from './growth.ts';
export {
  systemClock,
  type MemorySource,
  type SampledArena,
  type SampledPool,
  type SampledTracker,
  type SamplerClock,
} from './ports.ts';
export {
  MemorySampler,
  SamplerStoppedError,
  type GrowthEvent,
  type MemorySamplerEvents,
  type MemorySamplerOptions,
} from './sampler.ts';
export { arenaMemory, heapSpaces, poolMemory, processMemory, trackerMemory } from './sources.ts';
