// How many calls reached the upstream while it was dead and the breaker of their endpoint had already opened. Arrivals are stamped by
// the upstream, transitions by the gateway, both on the machine's monotonic clock.
import type { DeadArrival } from '../upstream/arrivals.ts';

/** A change of a breaker's state, by the name of its endpoint. */
export interface NamedTransition {
  readonly endpoint: string;
  readonly what: 'tripped' | 'closed' | 'reopened';
  readonly atMs: number;
}

export interface Leak {
  readonly leaked: number;
  /** Of those, half-open probes. */
  readonly leakedProbes: number;
}

export function leakOf(dead: readonly DeadArrival[], transitions: readonly NamedTransition[]): Leak {
  const openSpans = spansOpen(transitions);
  const leaked = dead.filter(({ path, atMs }) =>
    openSpans.get(path.slice(1))?.some(({ fromMs, toMs }) => atMs > fromMs && atMs <= toMs),
  );
  return { leaked: leaked.length, leakedProbes: leaked.filter(({ probe }) => probe).length };
}

interface Span {
  readonly fromMs: number;
  toMs: number;
}

/** From each trip to when its breaker closed again, by endpoint. Half-open times are part of it: only probes may pass then. */
function spansOpen(transitions: readonly NamedTransition[]): Map<string, Span[]> {
  const spans = new Map<string, Span[]>();
  for (const { endpoint, what, atMs } of transitions.toSorted((a, b) => a.atMs - b.atMs)) {
    let list = spans.get(endpoint);
    if (list === undefined) {
      list = [];
      spans.set(endpoint, list);
    }
    const last = list.at(-1);
    if (what === 'tripped') list.push({ fromMs: atMs, toMs: Number.POSITIVE_INFINITY });
    else if (what === 'closed' && last !== undefined) last.toMs = Math.min(last.toMs, atMs);
  }
  return spans;
}
