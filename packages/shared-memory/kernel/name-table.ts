// Insert-if-absent into a shared list of names; one CAS publishes a name and gives it its index.
//
// Records form a singly linked list that only grows at the head. A record is written plainly by the thread that claimed it and
// handed over by the CAS on `head`; from then on it is immutable, so readers compare it with plain loads.
// Failure prevented: two threads interning one name must get one index. Both scan, both find it absent, one CAS wins; the loser
// scans what was linked since and finds the winner's record.
import { compareExchange, get, load, set } from './atomics.ts';
import {
  NAME_RECORD_HASH,
  NAME_RECORD_INDEX,
  NAME_RECORD_LENGTH_BYTES,
  NAME_RECORD_NEXT,
  NAME_RECORD_BYTES,
  NAME_TABLE_ROOT_CAPACITY,
  NAME_TABLE_ROOT_HEAD,
} from './layout.generated.ts';

/** `link` found the table full and changed nothing. */
export const NAMES_EXHAUSTED: i32 = -1;

/**
 * Links `record` (hash, length and name already written by its owner) unless its name is there.
 * @param seen a record that was the newest when the caller knew that the name was absent; 0: it knows nothing
 * @returns the index of the name. NAMES_EXHAUSTED where the table is full. `-2 - index` where another record holds the name:
 *   `record` stays its owner's.
 */
export function linkName(table: i32, record: i32, seen: i32): i32 {
  const capacity = get(table + NAME_TABLE_ROOT_CAPACITY);
  let scanned = seen;
  while (true) {
    const head = load(table + NAME_TABLE_ROOT_HEAD); // observe: pairs with the CAS below
    for (let at = head; at != scanned; at = get(at + NAME_RECORD_NEXT)) {
      if (sameName(at, record) != 0) return (-2 - get(at + NAME_RECORD_INDEX)) | 0;
    }
    const index = head == 0 ? 0 : (get(head + NAME_RECORD_INDEX) + 1) | 0;
    if (index >= capacity) return NAMES_EXHAUSTED;
    set(record + NAME_RECORD_NEXT, head);
    set(record + NAME_RECORD_INDEX, index);
    // publish: hands over the whole record; pairs with every load of head.
    if (compareExchange(table + NAME_TABLE_ROOT_HEAD, head, record) == head) return index;
    scanned = head;
  }
}

function sameName(a: i32, b: i32): i32 {
  if (get(a + NAME_RECORD_HASH) != get(b + NAME_RECORD_HASH)) return 0;
  const length = get(a + NAME_RECORD_LENGTH_BYTES);
  if (length != get(b + NAME_RECORD_LENGTH_BYTES)) return 0;
  for (let i = 0; i < length; i += 4) {
    if (get(a + NAME_RECORD_BYTES + i) != get(b + NAME_RECORD_BYTES + i)) return 0;
  }
  return 1;
}
