// A case of this suite: a subject made in `setup`, a loop of its own (a loop that cases share would call every subject slowly), and what
// the subject has counted in the end.
import type { BatchCase, Role } from '../../suite.ts';
import { Held } from '../state/held.ts';

export interface Counted<S> {
  readonly name: string;
  readonly role: Role;
  readonly note?: string;
  readonly allocation?: boolean;
  /** The case of ours that it is compared with. */
  readonly against?: string;
  /** As of a case. */
  readonly opsPerBatch?: number;
  readonly create: () => S | Promise<S>;
  /** Does them all. */
  readonly run: (subject: S, operations: number) => void | Promise<void>;
  /** Operations that the subject has counted. */
  readonly count: (subject: S) => number | Promise<number>;
}

export function counted<S>({
  name,
  role,
  note,
  allocation = true,
  against,
  opsPerBatch,
  create,
  run,
  count,
}: Counted<S>): BatchCase {
  const held = new Held<S>();
  return {
    name,
    role,
    allocation,
    ...(note !== undefined && { note }),
    ...(against !== undefined && { against }),
    ...(opsPerBatch !== undefined && { opsPerBatch }),
    async setup() {
      held.set(await create());
    },
    async batch(operations) {
      await run(held.get(), operations);
      return operations;
    },
    async check({ operations }) {
      const found = await count(held.get());
      return found === operations ? undefined : `counted ${found}, expected ${operations}`;
    },
    teardown: () => void held.take(),
  };
}

let sink = 0;

export const empty: BatchCase = {
  name: 'empty loop',
  role: 'empty',
  batch(operations) {
    for (let i = 0; i < operations; i++) sink = (sink + i) | 0;
    return operations;
  },
  check: () => undefined,
};
