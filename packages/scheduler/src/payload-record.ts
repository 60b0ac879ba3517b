// Flat objects of numbers: the names of their properties are known to all threads by number, the values are doubles.
import type { NameTable } from '@corelane/shared-memory';

/** Properties of a record at most. */
const MAX_FIELDS = 16;
/** Shapes that a thread looks through for an object. Guessed. */
const MAX_KNOWN = 8;
/** Shapes that a thread enters, so that objects with ever new properties, as dictionaries have, do not use all of them up. Guessed. */
const MAX_ENTERED = 64;

interface Shape {
  readonly number: number;
  readonly keys: readonly string[];
  /** Has the properties in their order. */
  readonly template: Readonly<Record<string, number>>;
}

export class Shapes {
  readonly #names: NameTable;
  /** What `match` found. */
  readonly values: Float64Array = new Float64Array(MAX_FIELDS);
  fields = 0;
  #last: Shape | undefined;
  readonly #known: Shape[] = [];
  /** By number, of what was read. */
  readonly #read: (Shape | undefined)[] = [];
  #entered = 0;
  /** Of the last object of another shape: entered when it comes twice in a row. */
  #candidate = '';

  constructor(names: NameTable) {
    this.#names = names;
  }

  /** @returns the number of a plain object's shape, its values being in `values`; -1 where it is no record, or of no shape that is known yet */
  match(value: object): number {
    const last = this.#last;
    if (last !== undefined && this.#fits(value, last)) return last.number;
    for (const shape of this.#known)
      if (shape !== last && this.#fits(value, shape)) {
        this.#last = shape;
        return shape.number;
      }
    this.#consider(value);
    return -1;
  }

  /** @throws TypeError where there is no such shape or the object would have another number of properties */
  read(number: number, f64: Float64Array, at: number, fields: number): Record<string, number> {
    const shape = this.#read[number] ?? this.#learn(number);
    if (shape.keys.length !== fields)
      throw new TypeError(`${fields} fields, expected the ${shape.keys.length} of shape ${number}`);
    const record: Record<string, number> = { ...shape.template };
    for (let i = 0; i < fields; i++) record[shape.keys[i] as string] = f64[at + i] as number;
    return record;
  }

  #fits(value: object, { keys }: Shape): boolean {
    let i = 0;
    for (const key in value) {
      if (key !== keys[i]) return false;
      const field = (value as Record<string, unknown>)[key];
      if (typeof field !== 'number') return false;
      this.values[i++] = field;
    }
    this.fields = i;
    return i === keys.length;
  }

  #consider(value: object): void {
    if (this.#entered >= MAX_ENTERED) return;
    for (const key in value) if (typeof (value as Record<string, unknown>)[key] !== 'number') return;
    const keys = Object.keys(value);
    if (keys.length === 0 || keys.length > MAX_FIELDS || keys.includes('__proto__')) return;
    const name = JSON.stringify(keys);
    const isSecond = name === this.#candidate;
    this.#candidate = name;
    if (!isSecond) return;
    this.#entered++;
    try {
      const shape = shapeOf(this.#names.intern(name), keys);
      this.#last = shape;
      this.#known.unshift(shape);
      if (this.#known.length > MAX_KNOWN) this.#known.pop();
    } catch {
      // No room for another, or a name too long: such objects travel as others do.
    }
  }

  #learn(number: number): Shape {
    const name = this.#names.names()[number];
    if (name === undefined) throw new TypeError(`no shape ${number}`);
    const shape = shapeOf(number, JSON.parse(name) as string[]);
    this.#read[number] = shape;
    return shape;
  }
}

function shapeOf(number: number, keys: readonly string[]): Shape {
  // Doubles from the start, so that storing one changes nothing but the value.
  return { number, keys, template: Object.fromEntries(keys.map((key) => [key, 0.5])) };
}
