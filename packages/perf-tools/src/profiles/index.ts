export { callTree, type CallTree, type Profiles, type TreeOptions } from './call-tree.ts';
export { checkCpuProfile, type CallFrame, type CpuProfile, type ProfileNode } from './cpu-profile.ts';
export {
  ArgumentRangeError,
  PerfToolsError,
  ProfileFormatError,
  ProfilerUnavailableError,
  ThreadEndedError,
  ThreadSilentError,
} from '../errors.ts';
export { toFlameGraphSvg, type FlameGraphOptions } from './flame-graph-svg.ts';
export { mergeProfiles } from './merged-profile.ts';
export {
  profileThread,
  profileWorker,
  startProfile,
  type NamedProfile,
  type ProfileOptions,
  type ProfileTarget,
  type Recording,
  type RecordingOptions,
  type ThreadProfile,
} from './recording.ts';
export {
  toSpeedscope,
  type SpeedscopeFile,
  type SpeedscopeFrame,
  type SpeedscopeProfile,
} from './speedscope.ts';
export {
  applySourceMaps,
  type SourceMapOptions,
  type SourceMapped,
  type SourceMapProblem,
} from './source-maps.ts';
export type { SourceMapProblemKind } from './source-map-error.ts';
