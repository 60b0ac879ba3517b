import { describe, expect, test } from 'vitest';
import type { Files } from './machine.ts';
import { CPU, machine, per, read } from './machine.ts';

describe('core kinds', () => {
  const four = machine({ packages: 1, cores: 4, threads: 1 });
  const kinds = (...extra: Files[]): unknown =>
    read(Object.assign({}, four, ...extra)).kinds.map(({ cpus, by, name, value }) => [
      cpus.join(),
      by,
      name,
      value,
    ]);

  test('equal cores are one kind', () => {
    expect(kinds()).toEqual([['0,1,2,3', 'none', null, null]]);
    expect(kinds(per('cpu_capacity', [1024, 1024, 1024, 1024]))).toEqual([['0,1,2,3', 'none', null, null]]);
  });

  test('monitoring units tell first, the slowest is index 0', () => {
    const units = { '/sys/devices/cpu_core/cpus': '0-1\n', '/sys/devices/cpu_atom/cpus': '2-3\n' };
    expect(kinds(units, per('cpu_capacity', [1, 2, 3, 4]))).toEqual([
      ['2,3', 'pmu', 'efficiency', null],
      ['0,1', 'pmu', 'performance', null],
    ]);
  });

  test('units that leave CPUs out are not believed', () => {
    expect(kinds({ '/sys/devices/cpu_core/cpus': '0-1\n' })).toEqual([['0,1,2,3', 'none', null, null]]);
  });

  test('capacity and base frequency tell kinds apart; a few percent of turbo do not', () => {
    expect(kinds(per('cpu_capacity', [1024, 512, 512, 1000]))).toEqual([
      ['1,2', 'cpu_capacity', null, 512],
      ['0,3', 'cpu_capacity', null, 1000],
    ]);
    const base = per('cpufreq/base_frequency', [1_900_000, 1_900_000, 1_400_000, 1_400_000]);
    expect(kinds(base)).toEqual([
      ['2,3', 'base_frequency', null, 1_400_000],
      ['0,1', 'base_frequency', null, 1_900_000],
    ]);
    expect(kinds(per('cpufreq/cpuinfo_max_freq', [5_000_000, 5_200_000, 5_000_000, 5_100_000]))).toHaveLength(
      1,
    );
    expect(kinds(per('cpufreq/cpuinfo_max_freq', [5_000_000, 5_200_000, 3_900_000, 3_900_000]))).toHaveLength(
      2,
    );
  });

  test('frequencies are found behind links', () => {
    const files = { ...four, '/sys/devices/system/cpu/cpufreq/policy0/base_frequency': '2000000\n' };
    for (const cpu of [1, 2, 3])
      Object.assign(files, { [`${CPU}/cpu${cpu}/cpufreq/base_frequency`]: '1000000\n' });
    expect(read(files, { [`${CPU}/cpu0/cpufreq`]: '../cpufreq/policy0' }).kinds).toHaveLength(2);
  });
});
