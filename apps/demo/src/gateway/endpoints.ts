// The endpoints of a gateway in its state machine, with the policy that the settings have for each.
import { EndpointsExhaustedError, type EndpointOptions, type StateMachine } from '@corelane/atomic-state';
import type { Settings } from './options.ts';

const NO_LIMITS: EndpointOptions = { refillPerSecond: Number.POSITIVE_INFINITY };

export class Endpoints {
  readonly #machine: StateMachine;
  readonly #settings: Settings;
  readonly #known = new Map<string, number>();

  constructor(machine: StateMachine, settings: Settings) {
    this.#machine = machine;
    this.#settings = settings;
  }

  /** The index of an endpoint, the same on every thread; undefined where there is no room for a new one. */
  indexOf(source: string, event: string): number | undefined {
    const name = `${source}/${event}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    try {
      const index = this.#machine.endpoint(name, this.#limitsOf(name));
      this.#known.set(name, index);
      return index;
    } catch (error) {
      if (error instanceof EndpointsExhaustedError) return undefined;
      throw error;
    }
  }

  /** Without any where each worker has breakers of its own: nothing is recorded in the words then, so that they never refuse. */
  #limitsOf(name: string): EndpointOptions {
    const { breakers, limits, breaker } = this.#settings;
    return breakers === 'shared' ? (limits[name] ?? breaker) : NO_LIMITS;
  }
}
