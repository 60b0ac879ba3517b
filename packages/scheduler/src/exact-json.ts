// JSON where it carries all that structured clone would: 5 to 7 times as fast. Everything that it does not is looked for first.
//
// JSON.parse(JSON.stringify(x)) is a structured clone of x where x consists of null, booleans, strings, finite numbers other than -0,
// dense arrays with no properties but their elements, and plain objects of this realm; no object occurs twice (a clone
// keeps its identity, or that it leads to itself); and nobody has given Object, Array or a value a `toJSON`. Lone surrogates are escaped, so they come back. Properties with
// symbols for names, and those that are not enumerable, are left out by both; the order of the others is kept.

/** Objects and arrays at most: each is compared with all before it. Larger values travel by structured clone, which has a table of them. Guessed. */
const MAX_OBJECTS = 32;
/** Values at most, so that what is refused late has not cost much. Guessed. */
const MAX_VALUES = 512;

const seen: object[] = Array.from({ length: MAX_OBJECTS }, () => Object.prototype);
let objects = 0;
let values = 0;

/** The JSON of a plain object or an array, or undefined where something of it would be lost. */
export function exactJson(value: object): string | undefined {
  if ('toJSON' in Array.prototype) return undefined; // or in Object.prototype
  objects = 0;
  values = 0;
  try {
    return isExact(value) ? JSON.stringify(value) : undefined;
  } catch {
    return undefined; // a getter
  } finally {
    for (let i = 0; i < objects; i++) seen[i] = Object.prototype; // holds on to nothing
  }
}

function isExact(value: unknown): boolean {
  if (++values > MAX_VALUES) return false;
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && (value !== 0 || 1 / value > 0);
    case 'object':
      return value === null || isExactObject(value);
    case 'undefined':
    case 'bigint':
    case 'function':
    case 'symbol':
    default:
      return false;
  }
}

function isExactObject(value: object): boolean {
  if (objects === MAX_OBJECTS) return false;
  for (let i = 0; i < objects; i++) if (seen[i] === value) return false;
  seen[objects++] = value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) {
    const record = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(record)) if (!isExact(record[key])) return false;
    return true;
  }
  if (prototype !== Array.prototype || !Array.isArray(value)) return false;
  for (const each of value as readonly unknown[]) if (!isExact(each)) return false;
  return Object.keys(value).length === value.length;
}
