import { killsMutants, peek, poke, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import { nameRecord, nameTableRoot } from '../src/layout.ts';

type Kernel = typeof import('../kernel/name-table.ts');

const TABLE = 128;
const RECORDS = TABLE + nameTableRoot.bytes;
const STRIDE = nameRecord.bytes + 8;
const recordAt = (i: number): number => RECORDS + i * STRIDE;
const BYTES = Math.ceil((RECORDS + 4 * STRIDE) / 8) * 8;

function setup(capacity: number, names: readonly string[]): void {
  poke(TABLE + nameTableRoot.offset.capacity, capacity);
  for (const [i, name] of names.entries()) {
    poke(recordAt(i) + nameRecord.offset.hash, 1); // all collide
    poke(recordAt(i) + nameRecord.offset.lengthBytes, name.length);
    for (let c = 0; c < name.length; c += 4)
      poke(recordAt(i) + nameRecord.bytes + c, Buffer.from(name.padEnd(8, '\0')).readInt32LE(c));
  }
}

/** Names in the list by index, from the newest. */
function linked(): number[] {
  const indices: number[] = [];
  for (let at = peek(TABLE + nameTableRoot.offset.head); at !== 0; at = peek(at + nameRecord.offset.next))
    indices.push(peek(at + nameRecord.offset.index));
  return indices;
}

const table = (
  name: string,
  capacity: number,
  names: readonly string[],
  k: Kernel,
  check: (r: readonly number[]) => string | undefined,
): Scenario => ({
  name,
  bytes: BYTES,
  setup: () => setup(capacity, names),
  threads: names.map((_, i) => () => k.linkName(TABLE, recordAt(i), 0)),
  check: (r) => {
    const indices = linked();
    if (indices.some((index, i) => index !== indices.length - 1 - i))
      return `indices ${indices.join()} are not dense`;
    return check(r);
  },
});

const indexOf = (result: number): number => (result >= 0 ? result : -2 - result);

const scenarios: ((k: Kernel) => Scenario)[] = [
  (k) =>
    table('threads that intern one name get one index', 4, ['push', 'push', 'push'], k, (r) =>
      linked().length === 1 && r.every((x) => indexOf(x) === 0) && r.filter((x) => x >= 0).length === 1
        ? undefined
        : `${linked().length} records, results ${r.join()}`,
    ),
  (k) =>
    table('different names get different indices', 4, ['aaaa', 'aaaab', 'aaaac'], k, (r) =>
      linked().length === 3 && new Set(r).size === 3 && r.every((x) => x >= 0)
        ? undefined
        : `results ${r.join()}`,
    ),
  (k) =>
    table('a full table refuses and stays as it is', 2, ['a', 'b', 'c'], k, (r) =>
      linked().length === 2 && r.filter((x) => x === -1).length === 1 ? undefined : `results ${r.join()}`,
    ),
];

const scenariosFromSeen: ((k: Kernel) => Scenario)[] = [
  (k) => ({
    name: 'a name that was linked since the caller looked is found',
    bytes: BYTES,
    setup: () => {
      setup(4, ['old', 'push', 'push']);
      k.linkName(TABLE, recordAt(0), 0);
    },
    threads: [1, 2].map((i) => () => k.linkName(TABLE, recordAt(i), recordAt(0))),
    check: (r) =>
      linked().length === 2 && r.every((x) => indexOf(x) === 1) ? undefined : `results ${r.join()}`,
  }),
];

const mutants = [
  {
    name: 'what was linked since the first look is not scanned',
    find: 'scanned = head;',
    replace: 'scanned = load(table + NAME_TABLE_ROOT_HEAD);',
  },
  {
    name: 'linked without a CAS',
    find: 'if (compareExchange(table + NAME_TABLE_ROOT_HEAD, head, record) == head) return index;',
    replace:
      'compareExchange(table + NAME_TABLE_ROOT_HEAD, load(table + NAME_TABLE_ROOT_HEAD), record); return index;',
  },
  {
    name: 'published before the record is complete',
    find: '    set(record + NAME_RECORD_INDEX, index);\n',
    replace: '',
  },
  { name: 'one name too many', find: 'if (index >= capacity)', replace: 'if (index > capacity)' },
  {
    name: 'only the first word of a name is compared',
    find: 'for (let i = 0; i < length; i += 4) {',
    replace: 'for (let i = 0; i < 4; i += 4) {',
  },
  {
    name: 'length is not compared',
    find: 'if (length != get(b + NAME_RECORD_LENGTH_BYTES)) return 0;',
    replace: '',
  },
];

test('every interleaving of interning gives one index a name, and every mutant is caught', () => {
  const { baseline, kills } = killsMutants<Kernel>({
    kernel: new URL('../kernel/name-table.ts', import.meta.url),
    mutants,
    scenarios: [...scenarios, ...scenariosFromSeen],
  });
  expect(baseline.every((s) => s.complete && s.accesses > 0)).toBe(true);
  expect(kills).toHaveLength(mutants.length);
});
