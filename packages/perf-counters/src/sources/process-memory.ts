// Memory of the whole process, as the system sees it.
import type { Host } from './host.ts';
import { procText, statusValue } from './proc-files.ts';
import type { Missing, Source } from './source.ts';

const STATUS = '/proc/self/status';
const VIRTUAL = 'process_virtual_memory_bytes';
const DATA = 'process_heap_bytes';
const BYTES_PER_KB = 1024;

export function processMemorySource(host: Host): Source {
  return {
    name: 'processMemory',
    scope: 'process',
    open: (metrics) => {
      const bytes = (name: string, help: string) =>
        metrics.gauge({ name, help, unit: 'bytes', aggregator: 'max' })();
      const resident = bytes('process_resident_memory_bytes', 'Resident memory size in bytes.');
      const status = procText(host, STATUS);
      if (typeof status === 'string') {
        const missing: Missing[] = [VIRTUAL, DATA].map((metric) => ({ metric, reason: status }));
        return { sample: () => resident.set(host.rss()), missing: () => missing };
      }
      const virtual = bytes(VIRTUAL, 'Virtual memory size in bytes.');
      const data = bytes(DATA, 'Process heap size in bytes.');
      return {
        sample: () => {
          const text = host.readText(STATUS);
          resident.set(statusValue(text, 'VmRSS') * BYTES_PER_KB);
          virtual.set(statusValue(text, 'VmSize') * BYTES_PER_KB);
          data.set(statusValue(text, 'VmData') * BYTES_PER_KB);
        },
      };
    },
  };
}
