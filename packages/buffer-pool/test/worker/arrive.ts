import { GO, READY, SILENT, type Station } from './crew.ts';

/** In a worker: reports arrival and waits until all have arrived. */
export function arrive({ control }: Station): void {
  Atomics.add(control, READY, 1);
  Atomics.notify(control, READY);
  Atomics.wait(control, GO, 0);
}

/** Gives the core to whoever can make progress, where there are more workers than cores. */
export function yieldCore(control: Int32Array): void {
  Atomics.wait(control, SILENT, 0, 0.05);
}
