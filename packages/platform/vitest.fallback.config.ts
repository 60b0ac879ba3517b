import { defineProject, mergeConfig } from 'vitest/config';
import platform from './vitest.config.ts';

/** The same tests without the addon. */
export default mergeConfig(
  platform,
  defineProject({ test: { name: 'platform-fallback', env: { CORELANE_NO_NATIVE: '1' } } }),
);
