import { describe, expect, it } from 'vitest';
import { MACHINES } from '../src/machine.ts';
import { parseOptions } from '../src/options.ts';

describe('parseOptions', () => {
  it('means all machines where none is named, and each only once', () => {
    expect(parseOptions([]).machines).toEqual(MACHINES);
    const { machines } = parseOptions(['--machine', 'tiers', '--machine', 'numa4', '--machine', 'tiers']);
    expect(machines.map(({ name }) => name)).toEqual(['tiers', 'numa4']);
  });

  it.each([
    [['--machine', 'cray'], /no machine "cray"; there are: numa4/],
    [['--timeout', '0'], /--timeout is 0, expected 1 to 3600/],
    [['--timeout', 'x'], /--timeout is x/],
    [['--bogus'], /--bogus/],
    [['stray'], /stray/],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(
      expect.objectContaining({ code: 'ERR_LAB_USAGE', message: expect.stringMatching(message) }),
    );
  });
});
