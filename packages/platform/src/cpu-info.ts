/** What topology needs of /proc/cpuinfo: the model, and the few families that need care. */
import type { Sysfs } from './sysfs.ts';

export interface CpuInfo {
  /** Name of the first processor. */
  readonly model: string | null;
  readonly models: ReadonlyMap<number, string>;
  /** AMD's families 15h and 16h: `thread_siblings` holds two cores that share a module, not two threads of one core. */
  readonly amdComputeUnits: boolean;
  /** AMD before Zen 5: cores differ in maximal frequency only by binning. */
  readonly amdHomogeneous: boolean;
  readonly power: boolean;
}

const MODEL_KEYS = new Set(['model name', 'Model Name', 'cpu', 'Processor', 'cpu model', 'chip type']);

export function readCpuInfo(sysfs: Sysfs): CpuInfo {
  const text = sysfs.raw('/proc/cpuinfo') ?? '';
  const models = new Map<number, string>();
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
    if (key === 'processor' && /^[0-9]{1,6}$/.test(value)) processor = Number(value);
    else if (MODEL_KEYS.has(key) && value !== '') {
      if (processor === undefined) general = value;
      else models.set(processor, value);
    } else if (key === 'vendor_id') vendor ||= value;
    else if (key === 'cpu family') family ||= Number.parseInt(value, 10) || 0;
  }
  const model = models.values().next().value ?? general;
  const amd = vendor === 'AuthenticAMD';
  return {
    model,
    models,
    amdComputeUnits: amd && (family === 0x15 || family === 0x16),
    amdHomogeneous: amd && family > 0 && family < 0x1a,
    power: /^POWER/i.test(model ?? ''),
  };
}
