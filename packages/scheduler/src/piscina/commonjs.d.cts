// What `require` of this entry point gives: the class, with everything else as its properties. Copied to dist.
import type * as esm from './index.js' with { 'resolution-mode': 'import' };

declare const pool: typeof esm.Piscina & typeof esm;

declare namespace pool {
  type Piscina<T = any, R = any> = esm.Piscina<T, R>;
  type AbortSignalAny = esm.AbortSignalAny;
  type AbortSignalEventEmitter = esm.AbortSignalEventEmitter;
  type AbortSignalEventTarget = esm.AbortSignalEventTarget;
  type ArrayTaskQueue = esm.ArrayTaskQueue;
  type CloseOptions = esm.CloseOptions;
  type EnvSpecifier = esm.EnvSpecifier;
  type FilledOptions = esm.FilledOptions;
  type FixedQueue = esm.FixedQueue;
  type Options = esm.Options;
  type PiscinaHistogram = esm.PiscinaHistogram;
  type PiscinaHistogramSummary = esm.PiscinaHistogramSummary;
  type PiscinaLoadBalancer = esm.PiscinaLoadBalancer;
  type PiscinaTask = esm.PiscinaTask;
  type PiscinaWorker = esm.PiscinaWorker;
  type RunOptions = esm.RunOptions;
  type Task = esm.Task;
  type TaskQueue = esm.TaskQueue;
  type Transferable = esm.Transferable;
  type TransferList = esm.TransferList;
  type TransferListItem = esm.TransferListItem;
}

export = pool;
