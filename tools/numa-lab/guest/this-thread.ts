/** Where this thread runs, for as long as a test takes: processes and threads that it starts begin there too. */
import { affinity, setAffinity } from '@corelane/platform';
import { expectVerified } from './answers.ts';

/** Runs `use` with this thread on `cpus`, and puts it back where it was. */
export function onCpus<T>(cpus: readonly number[], use: () => T): T {
  const before = expectVerified('affinity', affinity());
  try {
    expectVerified('setAffinity', setAffinity(cpus));
    return use();
  } finally {
    setAffinity(before);
  }
}
