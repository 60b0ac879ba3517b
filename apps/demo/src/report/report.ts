// The report as one document: what `--json` prints, and what the text is made from.
import type { EndpointState } from '@corelane/atomic-state';
import type { Fault } from '../cli/flags.ts';
import type { AnswerName } from '../gateway/answer.ts';
import type { Breakers } from '../gateway/options.ts';
import type { DeadWindow } from '../upstream/arrivals.ts';
import { answerEquationsOf, flowEquationsOf, wordEquationsOf } from './conservation.ts';
import type { Equation } from './equation.ts';
import { eventEquationsOf, priorityEquationsOf } from './event-equations.ts';
import { guardEquationsOf } from './guard-equations.ts';
import type { Ledger } from './ledger.ts';

export interface EndpointRow {
  readonly endpoint: string;
  readonly answers: Readonly<Partial<Record<AnswerName, number>>>;
  readonly trips: number;
  readonly reopens: number;
  readonly state: EndpointState;
}

export interface RunFacts {
  readonly node: string;
  readonly cpus: number;
  readonly workers: number;
  readonly checkThreads: number;
  /** True where all workers listen on the port; false where one does, with the reason beside it. */
  readonly reusePort: boolean;
  readonly reusePortReason: string;
  readonly breakers: Breakers;
  readonly connections: number;
  readonly payloads: number;
  readonly durationMs: number;
  readonly interrupted: boolean;
  /** When the upstream was dead, in milliseconds after the load began. */
  readonly outages: readonly DeadWindow[];
  /** HTTP workers that died and were replaced. */
  readonly replacedWorkers: number;
  /** The upstream was slower than the load from some time on, so that events had to wait. */
  readonly saturated: boolean;
  readonly fault: Fault;
  /** Check threads that were given up and replaced. */
  readonly replacedCheckThreads: number;
  /** Where in its code the last check was that never came back, as the watchdog of the scheduler saw it; null where none was found stuck. */
  readonly lastStuckIn: string | null;
}

export interface Report {
  readonly facts: RunFacts;
  readonly endpoints: readonly EndpointRow[];
  readonly ledger: Ledger;
  readonly equations: {
    /** The client's count of each answer and the gateway's. */
    readonly answers: readonly Equation[];
    readonly flow: readonly Equation[];
    readonly guard: readonly Equation[];
    readonly events: readonly Equation[];
    /** Empty where the breakers are those of single workers: they have no words to agree with, and keep no common limit. */
    readonly words: readonly Equation[];
  };
  readonly balanced: boolean;
}

export function reportOf(facts: RunFacts, endpoints: readonly EndpointRow[], ledger: Ledger): Report {
  const equations = {
    answers: answerEquationsOf(ledger),
    flow: flowEquationsOf(ledger),
    guard: guardEquationsOf(ledger),
    events: [...eventEquationsOf(ledger), ...(facts.saturated ? priorityEquationsOf(ledger) : [])],
    words: facts.breakers === 'shared' ? wordEquationsOf(ledger) : [],
  };
  const balanced = Object.values(equations)
    .flat()
    .every(({ holds }) => holds);
  return { facts, endpoints, ledger, equations, balanced };
}
