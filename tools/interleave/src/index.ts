export { explore } from './search.ts';
export { InterleaveError, peek, poke } from './machine.ts';
export { phases, repeat } from './scenario.ts';
export type { PhasedThread, Range, Scenario, Thread, ThreadFunction } from './scenario.ts';
export { Violation } from './violation.ts';
export type { Statistics, ViolationKind } from './violation.ts';
export { killsMutants } from './mutants.ts';
export type { Kill, Mutant, MutationResult, MutationRun } from './mutants.ts';
