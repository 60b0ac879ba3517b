// Known faults, to see that the sanitizers and the fuzz pass find such things: what in which
// file of native/ becomes what, and which function shows it.
export const FAULTS = {
  platform: [
    {
      what: 'writing behind a view that is too short',
      by: 'parkState',
      file: 'interrupt.c',
      from: 'range.length >= VIEW_LENGTH * sizeof(double)',
      to: 'range.length >= (VIEW_LENGTH - 1) * sizeof(double)',
      report: /was written, outside of the view|AddressSanitizer: heap-buffer-overflow/,
    },
    {
      what: 'touching a byte behind a range',
      by: 'memoryTouch',
      file: 'memory.c',
      from: 'at < range.length; at += page',
      to: 'at < range.length + (range.length > 0); at += page',
      report: /AddressSanitizer: heap-buffer-overflow/,
    },
    {
      what: 'reading behind a table',
      by: 'parkState',
      file: 'parking.c',
      from: 'index >= SLOTS',
      to: 'index > 4 * SLOTS',
      report: /runtime error: index \d+ out of bounds/,
    },
    {
      what: 'converting a number that is out of range',
      by: 'ownThread',
      file: 'call.c',
      from: '!(value >= -2147483648.0 && value <= 2147483647.0) || value',
      to: 'value',
      report: /runtime error: .* is outside the range of representable values/,
    },
    {
      what: 'an answer that is no number',
      by: 'threadId',
      file: 'threads.c',
      from: 'return corelane_answer(env, syscall(SYS_gettid));',
      to: '(void)env; return NULL;',
      report: /threadId\(.*\) answered undefined/,
    },
  ],
};
