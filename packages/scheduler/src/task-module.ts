// What a module of tasks needs, and no more: `@corelane/scheduler/tasks`. Every worker loads what the modules of its tasks import.
export { cloneCodec, defineCodec, jsonCodec, type Codec } from './codec.ts';
export type { ErrorClass } from './error-record.ts';
export { goOn, steps, type GoOn, type Step } from './steps.ts';
export {
  defineTasks,
  type Task,
  type TaskContext,
  type TaskFunction,
  type TaskFunctions,
  type TaskOptions,
  type TaskResult,
  type Tasks,
} from './tasks.ts';
export { move, transferableSymbol, valueSymbol, type Movable } from './transfer.ts';
