// The thread of a ticker: parked but for a tick at the start of each interval. It waits on the word that names the clock's
// ticker, so giving the clock up wakes it at once, and a successor's token ends it.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from './arena.ts';
import type { TickerWorkerData } from './clock-ticker.ts';
import { CoarseClock, type CoarseClockHandle } from './coarse-clock.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';

const { clock: handle, token, intervalMs } = workerData as TickerWorkerData;
const arena = Arena.attach(handle.arena);
const clock = CoarseClock.attach(handle as CoarseClockHandle, arena);
const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });

/** To the start of the next interval, so that a late tick does not delay those after it. Microseconds. */
const untilNextUs = (): number => Math.ceil((intervalMs - (clock.elapsedMs() % intervalMs)) * 1000);

clock.tick();
parentPort?.postMessage('ticking');
while (kernel.parkTicker(handle.at, token, untilNextUs()) === 1) clock.tick();
