// Faults in the addon of @corelane/io-ring that the fuzz pass must find.

const PLACE_OF = `if (start > ring->regions[region].length || length > ring->regions[region].length - start)`;

/** What in which file of native/ becomes what, which function shows it, and how it is reported. */
export const FAULTS = [
  {
    what: 'a transfer that is longer than its region',
    by: 'runBatch',
    file: 'operations.c',
    from: PLACE_OF,
    to: 'if (start > ring->regions[region].length || length > ring->regions[region].length)',
    report: /was written, outside of its region|AddressSanitizer/, // what is there, or the heap
  },
  {
    what: 'a region that is not one of the table',
    by: 'submit',
    file: 'operations.c',
    from: 'region >= RING_REGIONS || ',
    to: '',
    report: /runtime error: index \d+ out of bounds|AddressSanitizer: /,
  },
  {
    what: 'vectors beyond the room for them',
    by: 'submit',
    file: 'operations.c',
    from: 'count > ring->vectors_length - ring->vectors_used',
    to: 'false',
    report: /AddressSanitizer: heap-buffer-overflow/,
  },
  {
    what: 'a list of vectors that leaves its region',
    by: 'submit',
    file: 'operations.c',
    from: '(uint64_t)count * 12',
    to: '0',
    report: /AddressSanitizer: /,
  },
  {
    what: 'more records than the stage has',
    by: 'runBatch',
    file: 'batch.c',
    from: 'count > ring->stage_records',
    to: 'count > 2 * ring->stage_records',
    report: /AddressSanitizer: heap-buffer-overflow/,
  },
  {
    what: 'a chain that goes on behind the stage',
    by: 'submit',
    file: 'operations.c',
    from: 'while (first + length < end &&',
    to: 'while (first + length < end + 8 &&',
    report: /AddressSanitizer: heap-buffer-overflow/,
  },
  {
    what: 'results behind a view that is too short',
    by: 'runBatch',
    file: 'batch.c',
    from: 'results.length < count * sizeof(int32_t)',
    to: 'results.length < count',
    report: /was written, outside of the view|AddressSanitizer: heap-buffer-overflow/,
  },
  {
    what: 'a ring that is used after it was closed',
    by: 'closeRing',
    file: 'ring.c',
    from: 'unlink_ring(list_of(env), ring);\n  free_ring(ring);',
    to: '(void)unlink_ring;\n  free_ring(ring);',
    report: /AddressSanitizer: heap-use-after-free/,
  },
  {
    what: 'completions behind the view that they are put into',
    by: 'submit',
    file: 'completions.c',
    from: 'count < ring->done_records',
    to: 'count <= ring->done_records + 64',
    report: /AddressSanitizer: heap-buffer-overflow/,
  },
  {
    what: 'an address in a view that is too short',
    by: 'encodeAddress',
    file: 'sockets.c',
    from: 'if (record.length < ADDRESS_BYTES) return corelane_number(env, -EINVAL);',
    to: 'if (record.length < 8) return corelane_number(env, -EINVAL);',
    report: /AddressSanitizer: heap-buffer-overflow/,
  },
  {
    what: 'a descriptor that the table has no bit for',
    by: 'closeDescriptor',
    file: 'descriptors.c',
    from: 'if (fd < 0 || fd >= owned->end || !(',
    to: 'if (fd >= owned->end || !(',
    report: /runtime error: (?:index|shift)|AddressSanitizer: /,
  },
];
