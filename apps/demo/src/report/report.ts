// The report as one document: what `--json` prints, and what the text is made from.
import type { EndpointState } from '@corelane/atomic-state';
import type { AnswerName } from '../gateway/answer.ts';
import type { Breakers } from '../gateway/options.ts';
import type { DeadWindow } from '../upstream/arrivals.ts';
import { equationsOf, wordEquationsOf, type Equation } from './conservation.ts';
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
}

export interface Report {
  readonly facts: RunFacts;
  readonly endpoints: readonly EndpointRow[];
  readonly ledger: Ledger;
  readonly equations: readonly Equation[];
  readonly balanced: boolean;
}

export function reportOf(facts: RunFacts, endpoints: readonly EndpointRow[], ledger: Ledger): Report {
  // Breakers of single threads have no words to agree with, and are not held to the limit that shared ones keep.
  const equations = [...equationsOf(ledger), ...(facts.breakers === 'shared' ? wordEquationsOf(ledger) : [])];
  return { facts, endpoints, ledger, equations, balanced: equations.every(({ holds }) => holds) };
}
