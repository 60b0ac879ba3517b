// A metric with labels: hands out one handle per combination of values.
import { ArgumentRangeError } from './errors.ts';

export type LabelValue = string | number | boolean;

/** One value for each label, in their order. */
export type LabelValues<L extends readonly string[]> = { readonly [K in keyof L]: LabelValue };

/** What a family gets of its registry: the handle of label values that it has not seen. */
type Open<Handle> = (values: readonly string[]) => { readonly handle: Handle; readonly isOverflow: boolean };

export class Family<Handle, L extends readonly string[] = readonly string[]> {
  readonly name: string;
  readonly #labels: readonly string[];
  readonly #open: Open<Handle>;
  /** A level of maps for each label, handles in the last: finding one allocates nothing. */
  readonly #bound = new Map<LabelValue, unknown>();

  /** Made by a registry. @internal */
  constructor(name: string, labels: readonly string[], open: Open<Handle>) {
    this.name = name;
    this.#labels = labels;
    this.#open = open;
  }

  /**
   * The handle of these label values, always the same one on a thread: resolve it once, keep it, use it.
   * Beyond the metric's limit of series it is the one with all values `other`.
   * @throws SeriesExhaustedError, ArgumentRangeError
   */
  labels(...values: LabelValues<L>): Handle {
    const expected = this.#labels.length;
    if (values.length !== expected)
      throw new ArgumentRangeError(
        `the number of label values of ${this.name}`,
        values.length,
        `${expected} (${this.#labels.join(', ')})`,
      );
    let found: unknown = this.#bound;
    for (let i = 0; i < expected && found !== undefined; i++)
      found = (found as Map<LabelValue, unknown>).get(values[i] as LabelValue);
    return found === undefined ? this.#bind(values) : (found as Handle);
  }

  /** A family whose handles are made of those of this one. @internal */
  map<Made>(make: (handle: Handle) => Made): Family<Made, L> {
    return new Family<Made, L>(this.name, this.#labels, (values) => {
      const { handle, isOverflow } = this.#open(values);
      return { handle: make(handle), isOverflow };
    });
  }

  #bind(values: readonly LabelValue[]): Handle {
    // prom-client takes an object here: as a string it would be one series called [object Object].
    for (const value of values)
      if (!['string', 'number', 'boolean'].includes(typeof value))
        throw new ArgumentRangeError(
          `a label value of ${this.name}`,
          value,
          `a string, number or boolean for each label, in their order (${this.#labels.join(', ')})`,
        );
    const { handle, isOverflow } = this.#open(values.map((value) => String(value).toWellFormed()));
    // Values beyond the limit are not remembered: there is no end to them.
    if (isOverflow) return handle;
    let level = this.#bound;
    for (const value of values.slice(0, -1)) {
      let next = level.get(value) as Map<LabelValue, unknown> | undefined;
      if (next === undefined) level.set(value, (next = new Map()));
      level = next;
    }
    level.set(values.at(-1) as LabelValue, handle);
    return handle;
  }
}
