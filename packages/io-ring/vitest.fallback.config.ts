import { defineProject, mergeConfig } from 'vitest/config';
import ioRing from './vitest.config.ts';

/** The same tests without the addon. */
export default mergeConfig(
  ioRing,
  defineProject({ test: { name: 'io-ring-fallback', env: { CORELANE_NO_NATIVE: '1' } } }),
);
