// What can go wrong between a process that shows its metrics and one that looks at them.
import { PerfCountersError } from '../errors.ts';

/** A process can't show its metrics where it was told to: the path is in use, or is not safe, or the system refuses. */
export class SnapshotServerError extends PerfCountersError {
  override readonly name = 'SnapshotServerError';
  readonly path: string;

  constructor(path: string, why: string, options?: ErrorOptions) {
    super('ERR_SNAPSHOT_SERVER', `can not serve snapshots at ${path}: ${why}`, options);
    this.path = path;
  }
}

/** Nobody answers at a path, or not in time, or the connection has ended. */
export class SnapshotConnectionError extends PerfCountersError {
  override readonly name = 'SnapshotConnectionError';
  readonly path: string;

  constructor(path: string, why: string, options?: ErrorOptions) {
    super('ERR_SNAPSHOT_CONNECTION', `no snapshots from ${path}: ${why}`, options);
    this.path = path;
  }
}

/** Who answers does not speak this protocol, or another version of it. */
export class SnapshotProtocolError extends PerfCountersError {
  override readonly name = 'SnapshotProtocolError';
  readonly path: string;

  constructor(path: string, found: string, expected: string, options?: ErrorOptions) {
    super('ERR_SNAPSHOT_PROTOCOL', `${path} sent ${found}, expected ${expected}`, options);
    this.path = path;
  }
}

/** The serving process answered with an error of its own. */
export class SnapshotRefusedError extends PerfCountersError {
  override readonly name = 'SnapshotRefusedError';
  readonly path: string;
  /** `code` of the error on the other side. */
  readonly reason: string;

  constructor(path: string, reason: string, message: string) {
    super('ERR_SNAPSHOT_REFUSED', `${path} answered ${reason}: ${message}`);
    this.path = path;
    this.reason = reason;
  }
}
