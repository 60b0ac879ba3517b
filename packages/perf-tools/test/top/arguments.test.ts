import { describe, expect, test } from 'vitest';
import { parseTopArguments, USAGE } from '../../src/top/arguments.ts';

const DEFAULTS = {
  everyMs: 1000,
  count: Infinity,
  isJson: false,
  sort: 'name',
  filter: '',
  perWriter: false,
};

describe('the command line', () => {
  test.each([
    ['', { ...DEFAULTS, target: undefined }],
    ['4711', { ...DEFAULTS, target: 4711 }],
    ['/run/x.sock --once', { ...DEFAULTS, target: '/run/x.sock', count: 1 }],
    ['0123', { ...DEFAULTS, target: '0123' }],
    [
      '-i 0.07 -n 3 -s rate -f code=5 -w --json 1',
      {
        ...{
          target: 1,
          everyMs: 70,
          count: 3,
          isJson: true,
          sort: 'rate',
          filter: 'code=5',
          perWriter: true,
        },
      },
    ],
  ])('%j is understood', (line, run) => {
    expect(parseTopArguments(line.split(' ').filter(Boolean))).toEqual({ kind: 'run', run });
  });

  test.each([
    ['-i 0 1', '--interval is 0, expected 0.05 to 3600 (seconds)'],
    ['-i 1e3 1', '--interval is 1e3, expected 0.05 to 3600 (seconds)'],
    ['-i 1s 1', '--interval is 1s, expected 0.05 to 3600 (seconds)'],
    ['-i 3601 1', '--interval is 3601, expected 0.05 to 3600 (seconds)'],
    ['-n 1.5 1', '--count is 1.5, expected an integer from 1'],
    ['-n 0 1', '--count is 0, expected an integer from 1'],
    ['-s size 1', '--sort is size, expected name, value or rate'],
    ['--once -n 2 1', '--once is --count 1: expected one of them'],
    ['1 2', 'one process at a time, found 2'],
  ])('%j is refused', (line, why) => {
    expect(parseTopArguments(line.split(' '))).toEqual({ kind: 'wrong', why });
  });

  test('an unknown option is refused, help names all that there are', () => {
    expect(parseTopArguments(['--colour'])).toMatchObject({
      kind: 'wrong',
      why: expect.stringContaining('--colour') as string,
    });
    expect(parseTopArguments(['-h', '-i', '0.5'])).toEqual({ kind: 'help' });
    for (const option of ['interval', 'count', 'once', 'json', 'sort', 'filter', 'per-writer', 'help'])
      expect(USAGE).toContain(`--${option}`);
  });
});
