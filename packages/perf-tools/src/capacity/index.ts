export {
  fitCapacity,
  type CapacityFit,
  type FitCapacityOptions,
  type NoFit,
  type NoFitReason,
  type Peak,
} from './fit-capacity.ts';
export type { Estimate } from './intervals.ts';
export {
  CapacityRunError,
  measureCapacity,
  type CapacityRun,
  type MeasureCapacityOptions,
  type RunWorkers,
} from './measure-capacity.ts';
export type { ErrorModel } from './misfit.ts';
export type { CapacitySample } from './samples.ts';
