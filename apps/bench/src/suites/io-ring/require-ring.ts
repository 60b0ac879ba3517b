import { IoRing } from '@corelane/io-ring';
import { NotMeasurableError } from '../../errors.ts';

/** A ring that is one. @throws NotMeasurableError where it would run on node:fs */
export function requireRing(): IoRing {
  const ring = IoRing.open();
  const { kind, reason } = ring.backend;
  if (kind !== 'io_uring') throw new NotMeasurableError(reason);
  return ring;
}
