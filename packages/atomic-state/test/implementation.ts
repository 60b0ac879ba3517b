// The implementation that the behaviour suites run on: `atomic`, or what a file chose before it imported them.
import type { Implementation } from '../src/implementation.ts';

let chosen: Implementation = 'atomic';

/** For the whole test file: modules are a file's own under vitest. */
export function choose(wanted: Implementation): void {
  chosen = wanted;
}

export function implementation(): Implementation {
  return chosen;
}
