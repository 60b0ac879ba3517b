/** What probes can do, by name. They run by `inConditions`; input and answer travel as JSON. */
import type { Limits, TopologyData } from '@corelane/platform';
import { Topology, limits } from '@corelane/platform';

export const probes = {
  limits: (): Limits => limits(),
  topology: (): TopologyData => Topology.read().toJSON(),
};

type Probes = typeof probes;

export type ProbeName = keyof Probes;
export type ProbeInput<N extends ProbeName> = Parameters<Probes[N]>;
export type ProbeAnswer<N extends ProbeName> = Awaited<ReturnType<Probes[N]>>;
