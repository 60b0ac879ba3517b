import { configDefaults, defineProject, mergeConfig } from 'vitest/config';
import platform from './vitest.config.ts';

/** What never gets near the addon: reading captured and random machines, arithmetic, and stand-ins for the kernel. Once is enough. */
const WITHOUT_ADDON = [
  'caches',
  'cpu-set.property',
  'cpusets',
  'distance-groups',
  'file-system',
  'hostile.property',
  'hwloc',
  'hwloc-live',
  'kinds',
  'levels',
  'memory-failure.property',
  'memory-nodes',
  'memory-pages',
  'native-build',
  'nodes',
  'perf-page.property',
  'perf-scale.property',
  'perf-tiers',
  'placement.property',
  'placement',
  'text',
  'topology',
].map((name) => `test/${name}.test.ts`);

/** The other tests again, without the addon. */
export default mergeConfig(
  platform,
  defineProject({
    test: {
      name: 'platform-fallback',
      env: { CORELANE_NO_NATIVE: '1' },
      exclude: [...configDefaults.exclude, ...WITHOUT_ADDON],
    },
  }),
);
