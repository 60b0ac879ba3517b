// What can be said of options before anything is made of them: a scheduler that is refused has taken nothing of its arena.
import { ArgumentRangeError, type Arena } from '@corelane/shared-memory';
import { codecModule } from './codec.ts';
import {
  checkGrace,
  checkMaxQueue,
  checkProfile,
  checkRecorders,
  checkTimeout,
  loopOptions,
  preloadUrls,
  type SchedulerOptions,
} from './options.ts';
import { hooksUrl } from './monitor/watch-options.ts';
import { moduleUrl } from './tasks.ts';
import { watchdogPlan } from './watchdog/options.ts';
import { checkNice } from './worker-settings.ts';

/** @throws ArgumentRangeError */
export function checkOptions(options: SchedulerOptions): void {
  const { affinity, codec, memory } = options;
  const arena: Partial<Arena> | null | undefined = options.arena;
  if (arena !== undefined && typeof arena?.createObject !== 'function')
    throw new ArgumentRangeError('arena', arena, 'an Arena');
  if (memory !== undefined && !Array.isArray(memory))
    throw new ArgumentRangeError('memory', memory, 'an array of SharedArrayBuffers');
  loopOptions(options);
  preloadUrls(options.preload);
  checkNice(options.niceIncrement);
  if (affinity !== undefined) moduleUrl(affinity);
  if (options.interrupt !== undefined) moduleUrl(options.interrupt);
  codecModule(codec);
  hooksUrl(options);
  checkTimeout(options.closeTimeoutMs, 'closeTimeoutMs');
  checkProfile(options.profile);
  checkGrace(options.graceMs);
  checkRecorders(options);
  checkMaxQueue(options.maxQueue);
  watchdogPlan(options.watchdog, options.interrupt !== undefined);
}
