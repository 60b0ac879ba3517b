/** Pressure stall information: the share of time in which tasks waited for a resource. */
import { findCgroup } from './cgroup.ts';
import type { Reading } from './reading.ts';
import { known, unknown } from './reading.ts';
import type { Sysfs } from '../machine/sysfs.ts';

export interface PressureLine {
  /** Percent of the last 10, 60 and 300 seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly totalUs: number;
}

export interface Pressure {
  /** At least one task waited. */
  readonly some: PressureLine;
  /** All waited at once; `null` where the kernel does not tell (CPU on older kernels). */
  readonly full: PressureLine | null;
}

/** Of the process's own cgroup where version 2 has it, else of the machine. */
export function readPressure(sysfs: Sysfs, resource: 'cpu' | 'memory' | 'io'): Reading<Pressure> {
  const place = findCgroup(sysfs, resource === 'cpu' ? 'cpu' : 'memory');
  const machine = `/proc/pressure/${resource}`;
  const paths = [...(place?.version === 2 ? [`${place.directories[0]}/${resource}.pressure`] : []), machine];
  for (const path of paths) {
    const text = sysfs.text(path);
    const some = line(text, 'some');
    if (some !== undefined) return known({ some, full: line(text, 'full') ?? null }, path);
  }
  return unknown(`no pressure in ${paths.join(' nor ')}`);
}

function line(text: string | undefined, name: string): PressureLine | undefined {
  const number = '([0-9]{1,15}(?:\\.[0-9]{1,6})?)';
  const match = new RegExp(
    `^${name} avg10=${number} avg60=${number} avg300=${number} total=([0-9]{1,15})$`,
    'm',
  ).exec(text ?? '');
  if (match === null) return undefined;
  const [avg10 = 0, avg60 = 0, avg300 = 0, totalUs = 0] = match.slice(1).map(Number);
  return { avg10, avg60, avg300, totalUs };
}
