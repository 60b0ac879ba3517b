export {
  fitCapacity,
  type CapacityFit,
  type FitCapacityOptions,
  type NoFit,
  type NoFitReason,
  type Peak,
} from './fit-capacity.ts';
export type { Estimate } from './intervals.ts';
export { CapacityRunError, measureCapacity, type MeasuredCapacity } from './measure-capacity.ts';
export type { CapacityRun, MeasureCapacityOptions, RunWorkers } from './measure-options.ts';
export type { MeasuredRun, RunVerdict } from './measured-run.ts';
export type { ErrorModel } from './misfit.ts';
export type { ProcessorUse } from './processor-use.ts';
export type { CapacitySample } from './samples.ts';
