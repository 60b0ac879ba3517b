// The endpoints of a gateway in its state machine, with the policy that the settings have for each.
import { EndpointsExhaustedError, type StateMachine } from '@corelane/atomic-state';
import type { Settings } from './options.ts';

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
      const index = this.#machine.endpoint(name, this.#settings.limits[name] ?? this.#settings.breaker);
      this.#known.set(name, index);
      return index;
    } catch (error) {
      if (error instanceof EndpointsExhaustedError) return undefined;
      throw error;
    }
  }
}
