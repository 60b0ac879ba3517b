import type { SuiteEntry } from './suite.ts';

/** Every suite of the bench: add a line here and a file in suites/. */
export const suites: readonly SuiteEntry[] = [
  {
    name: 'state',
    title: 'The endpoint word of atomic-state against opossum, cockatiel and a bare CAS',
    load: async () => (await import('./suites/state.ts')).suite,
  },
];
