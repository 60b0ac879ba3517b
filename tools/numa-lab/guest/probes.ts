/** What probes can do, by name. They run by `inConditions`. */
import { Topology, limits } from '@corelane/platform';

export type Probe = (input: unknown) => unknown;

export const probes: Readonly<Record<string, Probe>> = {
  limits: () => limits(),
  topology: () => Topology.read(),
};
