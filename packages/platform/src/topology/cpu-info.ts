/** What topology needs of /proc/cpuinfo: the model, the few families that need care, and numbers for kernels without them in /sys. */
import type { CpuSet } from '../machine/cpu-set.ts';
import { ascending, MAX_CPUS } from '../machine/cpu-set.ts';
import type { Sysfs } from '../machine/sysfs.ts';

export interface CpuInfo {
  /** Name of the first processor. */
  readonly model: string | null;
  readonly models: ReadonlyMap<number, string>;
  readonly processors: CpuSet;
  readonly coreIds: ReadonlyMap<number, number>;
  readonly packageIds: ReadonlyMap<number, number>;
  /** AMD's families 15h and 16h: `thread_siblings` holds two cores that share a module, not two threads of one core. */
  readonly amdComputeUnits: boolean;
  /** AMD before Zen 5: cores differ in maximal frequency only by binning. */
  readonly amdHomogeneous: boolean;
  readonly power: boolean;
  readonly s390: boolean;
}

const MODEL_KEYS = new Set(['model name', 'Model Name', 'cpu', 'Processor', 'cpu model', 'chip type']);

export function readCpuInfo(sysfs: Sysfs): CpuInfo {
  const text = sysfs.raw('/proc/cpuinfo') ?? '';
  const models = new Map<number, string>();
  const processors = new Set<number>();
  const coreIds = new Map<number, number>();
  const packageIds = new Map<number, number>();
  let general: string | null = null;
  let processor: number | undefined;
  let vendor = '';
  let family = 0;
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon < 0) {
      if (line.trim() === '') processor = undefined;
      continue;
    }
    const key = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    // s390 has the number in the key: `processor 0: version = FF`.
    const number = key === 'processor' ? natural(value) : natural(/^processor (\d+)$/.exec(key)?.[1] ?? '');
    if (number !== undefined && number < MAX_CPUS) {
      processor = number;
      processors.add(number);
    } else if (MODEL_KEYS.has(key) && value !== '') {
      if (processor === undefined) general = value;
      else models.set(processor, value);
    } else if (key === 'vendor_id') vendor ||= value;
    else if (key === 'cpu family') family ||= natural(value) ?? 0;
    else if (processor !== undefined && (key === 'core id' || key === 'physical id')) {
      const id = natural(value);
      if (id !== undefined) (key === 'core id' ? coreIds : packageIds).set(processor, id);
    }
  }
  const model = models.values().next().value ?? general;
  const amd = vendor === 'AuthenticAMD';
  return {
    model,
    models,
    processors: [...processors].toSorted(ascending),
    coreIds,
    packageIds,
    amdComputeUnits: amd && (family === 0x15 || family === 0x16),
    amdHomogeneous: amd && family > 0 && family < 0x1a,
    power: /^POWER/i.test(model ?? ''),
    s390: vendor.startsWith('IBM/S390'),
  };
}

function natural(text: string): number | undefined {
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
