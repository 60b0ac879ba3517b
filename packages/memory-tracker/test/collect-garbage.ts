import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collector = (options: { type: 'minor' | 'major'; execution: 'sync' }) => void;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as Collector;
setFlagsFromString('--no-expose-gc');

/** All of it, or what is young, now. */
export function collectGarbage(type: 'minor' | 'major' = 'major'): void {
  gc({ type, execution: 'sync' });
}
