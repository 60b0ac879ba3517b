import { Piscina } from './piscina.ts';
import { isPoolThread, threadData } from './thread.ts';

export default Piscina;
export { ArrayTaskQueue, type PiscinaTask, type Task, type TaskQueue } from './task-queue.ts';
export { FixedQueue } from './fixed-queue.ts';
export { move, type Transferable, type TransferList, type TransferListItem } from './move.ts';
export { Piscina, version } from './piscina.ts';
export { queueOptionsSymbol, transferableSymbol, valueSymbol } from './symbols.ts';
export type { AbortSignalAny, AbortSignalEventEmitter, AbortSignalEventTarget } from './abort.ts';
export type { PiscinaLoadBalancer, PiscinaWorker } from './balancer.ts';
export type { PiscinaHistogram, PiscinaHistogramSummary } from './histogram.ts';
export type { CloseOptions, EnvSpecifier, FilledOptions, Options, RunOptions } from './options.ts';

/** Whether this thread is a worker of a pool. */
export const isWorkerThread: boolean = isPoolThread();
/** The option `workerData` of the pool, in its workers. */
// oxlint-disable-next-line typescript/no-explicit-any -- as piscina's
export const workerData: any = threadData();
