export {
  checkCpuProfile,
  type CallFrame,
  type CpuProfile,
  type ProfileNode,
} from './profiles/cpu-profile.ts';
export { ArgumentRangeError, PerfToolsError, ProfileFormatError } from './errors.ts';
