export { collectDefaults } from './defaults.ts';
export {
  ProcessClaimedError,
  SourceRunningError,
  SourcesDisposedError,
  SourceStuckError,
  SourceTimeoutError,
} from './errors.ts';
export {
  DEFAULT_SOURCE_NAMES,
  type DefaultsOptions,
  type DefaultSourceName,
  type SourcesOptions,
} from './options.ts';
export type { ArenaUsage, HardwareEvents, ThreadCpu, Timers } from './ports.ts';
export type {
  Absent,
  LateRecord,
  Missing,
  OpenSource,
  SampleContext,
  Source,
  SourceCapability,
  SourceCost,
  SourceScope,
  SourceStatus,
} from './source.ts';
export type { Bound, SourceMetrics } from './source-metrics.ts';
export { startSources, type Sources } from './sources.ts';
