// Filling an endpoint from a snapshot, by the steps of kernel/restore.ts.
import type { EndpointKernel } from './endpoint-cells.ts';
import type { RestorableEndpoint } from './endpoint-snapshot.ts';
import { RestoreConflictError } from './errors.ts';
import { BUCKETS, RESTORE_CLOSED, RESTORE_ISOLATED, RESTORE_OPEN } from './layout.ts';
import type { Policy } from './policy.ts';

/** No endpoint takes longer to fill up with tokens. */
const MAX_ELAPSED_MS = 0x3fffffff;

const TARGETS = { closed: RESTORE_CLOSED, open: RESTORE_OPEN, isolated: RESTORE_ISOLATED } as const;

export interface RestorePoint {
  readonly policy: Policy;
  readonly nowMs: number;
  /** Since the snapshot was taken. */
  readonly elapsedMs: number;
}

/** @throws RestoreConflictError where another thread has changed it meanwhile */
export function restoreEndpoint(
  kernel: EndpointKernel,
  at: number,
  endpoint: RestorableEndpoint,
  { policy, nowMs, elapsedMs }: RestorePoint,
): void {
  const { failureAgesMs, buckets } = endpoint.windows;
  const era = kernel.beginRestore(at);
  if (policy.failureThreshold > 0)
    for (const ageMs of failureAgesMs.slice(-policy.failureThreshold))
      if (ageMs + elapsedMs <= policy.failureWindowMs)
        kernel.restoreFailure(at, nowMs - ageMs - elapsedMs, era);
  for (const { ageMs, calls, failures, slow } of buckets)
    if (ageMs + elapsedMs < policy.bucketMs * BUCKETS)
      kernel.restoreOutcomes(at, nowMs - ageMs - elapsedMs, era, calls, failures, slow);
  const remainingMs = Math.min(policy.openDurationMs, Math.max(0, endpoint.retryAfterMs - elapsedMs));
  const done = kernel.endRestore(
    at,
    era,
    TARGETS[endpoint.target],
    nowMs - (policy.openDurationMs - remainingMs),
    endpoint.tokens,
    endpoint.ratio,
    endpoint.successes,
    endpoint.failures,
    nowMs - Math.min(elapsedMs, MAX_ELAPSED_MS),
  );
  if (done === 0) throw new RestoreConflictError(endpoint.name);
}
