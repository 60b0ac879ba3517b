/** Which sizes of transparent huge pages the kernel gives out, and to whom. */
import type { MemoryMachine } from './machine.ts';
import { readStatus } from '../limits/process-limits.ts';
import { Sysfs } from '../machine/sysfs.ts';

export interface HugeSetting {
  /** Mapped by one entry of the middle level: 2 MiB on x86-64. */
  readonly hugePageBytes: number;
  /** Sizes that memory with the advice may get, ascending. */
  readonly advisedBytes: readonly number[];
  /** The files and what they say. */
  readonly shown: string;
  /** Why this process gets none at all, whatever the settings. */
  readonly disabled: string | undefined;
}

const FOLDER = '/sys/kernel/mm/transparent_hugepage';
const USUAL_HUGE_PAGE_BYTES = 2 * 1024 * 1024;

/** `undefined`: the kernel is built without. */
export function readHugeSetting(machine: MemoryMachine): HugeSetting | undefined {
  const sysfs = new Sysfs(machine.files);
  const enabled = sysfs.text(`${FOLDER}/enabled`);
  if (enabled === undefined) return undefined;
  const hugePageBytes = sysfs.natural(`${FOLDER}/hpage_pmd_size`) || USUAL_HUGE_PAGE_BYTES;
  const top = chosen(enabled);
  const sizes = new Map<number, string>();
  for (const name of sysfs.names(FOLDER)) {
    const kilobytes = /^hugepages-([0-9]{1,9})kB$/.exec(name)?.[1];
    if (kilobytes === undefined) continue;
    const own = chosen(sysfs.text(`${FOLDER}/${name}/enabled`) ?? '');
    sizes.set(Number(kilobytes) * 1024, own === 'inherit' ? top : own);
  }
  // Before Linux 6.8 there is one size, and one setting.
  if (sizes.size === 0) sizes.set(hugePageBytes, top);
  const advisedBytes = [...sizes]
    .filter(([, mode]) => mode === 'always' || mode === 'madvise')
    .map(([bytes]) => bytes)
    .toSorted((a, b) => a - b);
  return {
    hugePageBytes,
    advisedBytes,
    shown: `${FOLDER}/enabled is ${JSON.stringify(enabled)}, sizes on: ${advisedBytes.join(', ') || 'none'}`,
    disabled:
      readStatus(sysfs, 'THP_enabled') === '0'
        ? 'huge pages are off for this process (THP_enabled: 0 in /proc/self/status, by prctl PR_SET_THP_DISABLE); the range was left as it is'
        : undefined,
  };
}

/** `madvise` of `always [madvise] never`. */
function chosen(text: string): string {
  return /\[(\w+)\]/.exec(text)?.[1] ?? '';
}
