type Collector = (options?: { type: 'minor' | 'major'; execution: 'sync' }) => void;

function collector(): Collector {
  const gc = (globalThis as { gc?: Collector }).gc;
  if (!gc) throw new Error('measuring needs node --expose-gc');
  return gc;
}

/** Frees what the case before left behind, so that nobody pays for a neighbour's garbage. */
export function collectYoung(): void {
  collector()({ type: 'minor', execution: 'sync' });
}

export function collectAll(): void {
  collector()({ type: 'major', execution: 'sync' });
}
