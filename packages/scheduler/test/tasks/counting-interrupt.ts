// An `Interrupt` that parks nobody, and counts how often it was asked to.
import type { Interrupt } from '../../src/index.ts';

export const asked: number[] = [];

export default {
  register: () => 'ticket',
  park: (_: unknown, { maxMs }: { readonly maxMs: number }) => {
    asked.push(maxMs);
    return Promise.resolve({ resume: () => maxMs });
  },
} satisfies Interrupt;
