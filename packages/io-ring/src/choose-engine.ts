/** Which engine runs a ring: io_uring where there is one. */
import type { Engine } from './engine.ts';
import { FsEngine } from './fs-engine.ts';
import { loadNative } from './native.ts';
import { RingEngine, type RingOptions } from './ring-engine.ts';

/** Operations in flight without a ring, or as many as a ring would have: more on files only wait in libuv's queue. */
const FS_CAPACITY = 1024;

export function chooseEngine(options: RingOptions, engine: 'auto' | 'fs'): Engine {
  const capacity = Math.max(FS_CAPACITY, options.entries * 2);
  if (engine === 'fs') return new FsEngine(capacity, 'asked for');
  const { addon, reason } = loadNative();
  if (addon === null) return new FsEngine(capacity, reason);
  const ring = RingEngine.open(addon, options);
  return typeof ring === 'string' ? new FsEngine(capacity, ring) : ring;
}
