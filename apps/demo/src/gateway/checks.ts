// The port between an HTTP worker and whoever checks bodies for it.
import type { BodyVerdict } from '../checks/check-body.ts';
import type { Encoding } from '../checks/encoding.ts';

export interface BodyCheck {
  /** Token of the lease that the body lies in. */
  readonly token: number;
  readonly length: number;
  readonly encoding: Encoding | undefined;
  /** Before all that is not. */
  readonly urgent: boolean;
}

/** `refused`: no room for another one, or nobody to do it. */
export type CheckOutcome = BodyVerdict | 'refused';

export interface Checks {
  /** Never rejects. The body must stay as it is until this resolves. */
  check(body: BodyCheck): Promise<CheckOutcome>;
}
