// A metric with labels: hands out one handle per combination of values.
import { ArgumentRangeError } from './errors.ts';

export type LabelValue = string | number | boolean;

/** One value for each label, in their order. */
export type LabelValues<L extends readonly string[]> = { readonly [K in keyof L]: LabelValue };

export class Family<Handle, L extends readonly string[] = readonly string[]> {
  readonly name: string;
  readonly #labels: readonly string[];
  readonly #open: (values: readonly string[]) => { readonly handle: Handle; readonly isOverflow: boolean };
  readonly #bound = new Map<string, Handle>();

  /** Made by a registry. @internal */
  constructor(
    name: string,
    labels: readonly string[],
    open: (values: readonly string[]) => { readonly handle: Handle; readonly isOverflow: boolean },
  ) {
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
    const [first] = values;
    const key = values.length === 1 && typeof first === 'string' ? first : JSON.stringify(values.map(String));
    const known = this.#bound.get(key);
    if (known !== undefined && values.length === this.#labels.length) return known;
    if (values.length !== this.#labels.length)
      throw new ArgumentRangeError(
        `label values of ${this.name}`,
        values.length,
        `${this.#labels.length} (${this.#labels.join(', ')})`,
      );
    const { handle, isOverflow } = this.#open(values.map((value) => String(value).toWellFormed()));
    // Values beyond the limit are not remembered: there is no end to them.
    if (!isOverflow) this.#bound.set(key, handle);
    return handle;
  }
}
