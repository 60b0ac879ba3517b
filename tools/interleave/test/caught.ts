import { explore, type Scenario, Violation } from '../src/index.ts';

/** The violation that a search ends with. */
export function caught(scenario: Scenario): Violation {
  try {
    explore(scenario);
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
  throw new Error('expected a violation');
}
