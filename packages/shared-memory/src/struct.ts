// Declarative layouts. A struct is an ordered list of fields with an access class; offsets follow from the declaration and
// nowhere else stands a number. `layout.ts` of a package holds its structs; the kernel compiler turns the same structs into
// constants (`kernel/layout.generated.ts`), so that JavaScript and Wasm cannot disagree.
//
// Tried and rejected: placing hot fields on lines of their own automatically. A reader of the declaration should see the line
// breaks; `falseSharing` (false-sharing.ts) checks them instead.
import { LayoutError } from './errors.ts';

/** Two adjacent 64-byte cache lines: what the adjacent-line prefetcher of x86 moves together, and one line of Apple silicon. */
export const LINE_BYTES = 128;

/** What an arena can hold: see MAX_BYTES there. */
const MAX_STRUCT_BYTES = 0x7fff0000;
export const FIELD_NAME = /^[a-z]\w*$/i;

/** 4-byte integer, 8-byte integer (two i32 halves, low first), 8-byte float, or a number of raw bytes. */
export type FieldKind = 'i32' | 'i64' | 'f64' | number;

/**
 * How a field may be touched.
 * - `immutable`: written before the handle is handed out, then only read
 * - `atomic`: only through atomic accesses, by any thread
 * - `guarded`: plain, only while holding what `by` names
 * - `ownerOnly`: written by one thread; others read it atomically
 */
export type AccessClass = 'immutable' | 'atomic' | 'guarded' | 'ownerOnly';

export interface FieldOptions {
  /** What it holds, in which unit, and what writing it publishes. */
  readonly doc?: string;
  /** Who writes it. */
  readonly writer?: string;
  /** Who reads it. */
  readonly reader?: string;
  /** Fields with different `hot` names are written independently and must not share a 128-byte line. */
  readonly hot?: string;
  /** Starts a new 128-byte line. */
  readonly line?: boolean;
}

export interface Field extends FieldOptions {
  readonly kind: FieldKind;
  readonly access: AccessClass;
  /** With `guarded`: the lock or protocol that guards it. */
  readonly by?: string;
}

export interface PlacedField extends Field {
  readonly name: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface Struct<F extends Readonly<Record<string, Field>> = Readonly<Record<string, Field>>> {
  readonly type: 'struct';
  readonly name: string;
  readonly version: number;
  readonly fields: readonly PlacedField[];
  /** Byte offset of each field from the start of the struct. */
  readonly offset: { readonly [K in keyof F]: number };
  /** Offset of each field in 32-bit words. */
  readonly word: { readonly [K in keyof F]: number };
  /** Size in bytes, a multiple of `alignBytes`: also the stride of an array of it. */
  readonly bytes: number;
  readonly alignBytes: number;
  /** FNV-1a of name, version, size, alignment and every field: attaching compares it. */
  readonly hash: number;
  /** True where it begins with the object header (`root`). */
  readonly root: boolean;
}

export const immutable = (kind: FieldKind, options: FieldOptions = {}): Field => ({
  ...options,
  kind,
  access: 'immutable',
});
export const atomic = (kind: FieldKind, options: FieldOptions = {}): Field => ({
  ...options,
  kind,
  access: 'atomic',
});
export const ownerOnly = (kind: FieldKind, options: FieldOptions = {}): Field => ({
  ...options,
  kind,
  access: 'ownerOnly',
});
export const guarded = (by: string, kind: FieldKind, options: FieldOptions = {}): Field => ({
  ...options,
  kind,
  access: 'guarded',
  by,
});

/** Lays out a struct: fields in order, naturally aligned, padded to `alignBytes`. @throws LayoutError */
export function struct<const F extends Readonly<Record<string, Field>>>(
  name: string,
  version: number,
  fields: F,
  options: { readonly alignBytes?: number } = {},
): Struct<F> {
  return place(name, version, fields, options.alignBytes, false);
}

/** The header of a root. */
const HEADER = {
  magic: immutable('i32', { doc: 'marks the start of an object' }),
  layoutHash: immutable('i32', { doc: 'hash of the layout it was created with' }),
  layoutVersion: immutable('i32', { doc: 'version of that layout' }),
  lengthBytes: immutable('i32', { doc: 'bytes from here to the end of the object' }),
} as const;

export type RootFields<F> = typeof HEADER & F;

/**
 * The struct at the start of a shared object: begins with the header that attaching checks (magic, layout hash, version,
 * length). Aligned to 128 bytes.
 */
export function root<const F extends Readonly<Record<string, Field>>>(
  name: string,
  version: number,
  fields: F,
): Struct<RootFields<F>> {
  for (const key of Object.keys(fields))
    if (Object.hasOwn(HEADER, key))
      throw new LayoutError(`${name}.${key}: the header of a root has a field of that name`);
  return place(name, version, { ...HEADER, ...fields }, LINE_BYTES, true);
}

function place<F extends Readonly<Record<string, Field>>>(
  name: string,
  version: number,
  fields: F,
  wantedAlignBytes: number | undefined,
  isRoot: boolean,
): Struct<F> {
  const offset: Record<string, number> = {};
  const word: Record<string, number> = {};
  const placed: PlacedField[] = [];
  let at = 0;
  let align = 4;
  let text = `${name}@${version}`;
  if ((version | 0) !== version || version < 1)
    throw new LayoutError(`${name}: version is ${version}, expected an integer of at least 1`);
  for (const [key, field] of Object.entries(fields)) {
    // Object.entries puts keys like '0' first, whatever the declaration says.
    if (!FIELD_NAME.test(key))
      throw new LayoutError(`${name}: a field is named '${key}', expected an identifier`);
    const sizeBytes = sizeOf(field.kind);
    if (!Number.isInteger(sizeBytes) || sizeBytes <= 0)
      throw new LayoutError(`${name}.${key}: size is ${sizeBytes} bytes, expected a positive integer`);
    const fieldAlign = field.line === true ? LINE_BYTES : typeof field.kind === 'number' ? 4 : sizeBytes;
    align = Math.max(align, fieldAlign);
    at = alignUp(at, fieldAlign);
    offset[key] = at;
    word[key] = at >> 2;
    placed.push({ ...field, name: key, offsetBytes: at, sizeBytes });
    text += `;${key}:${field.kind}:${at}:${field.access}`;
    at += sizeBytes;
  }
  if (wantedAlignBytes !== undefined) {
    if (wantedAlignBytes < align || (wantedAlignBytes & (wantedAlignBytes - 1)) !== 0)
      throw new LayoutError(
        `${name}: alignment is ${wantedAlignBytes}, expected a power of two of at least ${align}`,
      );
    align = wantedAlignBytes;
  }
  const bytes = Math.max(alignUp(at, align), align);
  if (bytes > MAX_STRUCT_BYTES)
    throw new LayoutError(`${name}: has ${bytes} bytes, expected at most ${MAX_STRUCT_BYTES}`);
  return Object.freeze({
    type: 'struct',
    name,
    version,
    fields: Object.freeze(placed),
    offset: Object.freeze(offset) as Struct<F>['offset'],
    word: Object.freeze(word) as Struct<F>['word'],
    bytes,
    alignBytes: align,
    hash: fnv1a(`${text};${bytes}/${align}`),
    root: isRoot,
  });
}

function sizeOf(kind: FieldKind): number {
  if (typeof kind === 'number') return kind;
  return kind === 'i32' ? 4 : 8;
}

/** The next multiple of `align`, a power of two. */
export function alignUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}
