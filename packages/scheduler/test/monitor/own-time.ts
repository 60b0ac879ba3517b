// For workers whose time is that of their test.
import type { SchedulerOptions } from '../../src/index.ts';
import { Words } from '../tasks/words.ts';

const CLOCK = new URL('../tasks/looked-at-clock.ts', import.meta.url).href;

/** Options by which a poll takes as long as it says that it spins, whatever the machine does meanwhile. @param words with one count at least */
export function ownTime(words: Words = new Words(1)): Pick<SchedulerOptions, 'workerData' | 'execArgv'> {
  return { workerData: words.view, execArgv: ['--import', CLOCK] };
}
