// A thread on which there is no addon.
import { perfCallees } from './perf-callees.ts';
import { threadCallees } from './thread-callees.ts';

const callees = { ...threadCallees, ...perfCallees };

export type FallbackCallee = keyof typeof callees;

/** @throws where the fallback cannot do it: the case is not measurable */
export function createContender({
  callee,
}: {
  readonly callee: FallbackCallee;
}): (operations: number) => number {
  process.env['CORELANE_NO_NATIVE'] = '1'; // of this thread: a worker has a copy. Read at the first call that would need the addon.
  const { call } = callees[callee]();
  return (operations) => {
    let successful = 0;
    for (let operation = 0; operation < operations; operation++) if (call()) successful++;
    return successful;
  };
}
