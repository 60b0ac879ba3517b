export { checkCpuProfile, type CallFrame, type CpuProfile, type ProfileNode } from './cpu-profile.ts';
export { ArgumentRangeError, PerfToolsError, ProfileFormatError } from '../errors.ts';
