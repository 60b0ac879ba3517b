// What all threads have done with a machine, since it was made.
import type { CellReading } from './endpoint-cells.ts';

export interface MachineMetrics {
  readonly endpoints: number;
  /** Transitions of words that were tried, and that succeeded. Of other threads, all but the last thousand each. */
  readonly casAttempts: number;
  readonly casSuccesses: number;
  readonly trips: number;
  readonly reopens: number;
  readonly forced: number;
  readonly compressionDetected: number;
  readonly bombsRefused: number;
}

export function metricsOf(
  { successes, failures }: { readonly successes: number; readonly failures: number },
  readings: readonly CellReading[],
): MachineMetrics {
  const sum = (of: (reading: CellReading) => number): number => readings.reduce((n, r) => n + of(r), 0);
  return {
    endpoints: readings.length,
    casAttempts: successes + failures,
    casSuccesses: successes,
    trips: sum(({ trips }) => trips),
    reopens: sum(({ reopens }) => reopens),
    forced: sum(({ forced }) => forced),
    compressionDetected: sum(({ compressionDetected }) => compressionDetected),
    bombsRefused: sum(({ bombsRefused }) => bombsRefused),
  };
}
