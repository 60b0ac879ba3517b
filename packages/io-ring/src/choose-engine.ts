/** Which engine runs a ring: io_uring where there is one. */
import type { Engine } from './engine.ts';
import { FsEngine } from './fs-engine.ts';
import { loadNative } from './native.ts';
import { RingEngine, type RingOptions } from './ring-engine.ts';

/** Operations in flight at most, without a ring: more only wait in libuv's queue. */
const FS_CAPACITY = 1024;

export function chooseEngine(options: RingOptions, engine: 'auto' | 'fs'): Engine {
  if (engine === 'fs') return new FsEngine(FS_CAPACITY, 'asked for');
  const { addon, reason } = loadNative();
  if (addon === null) return new FsEngine(FS_CAPACITY, reason);
  const ring = RingEngine.open(addon, options);
  return typeof ring === 'string' ? new FsEngine(FS_CAPACITY, ring) : ring;
}
