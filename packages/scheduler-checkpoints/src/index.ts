export { CheckpointsError, CheckpointsOptionError, CheckpointsSyntaxError } from './errors.ts';
export type { CheckpointsOptions, FunctionEntries, TransformOptions } from './options.ts';
export { transform, type TransformResult } from './transform.ts';
