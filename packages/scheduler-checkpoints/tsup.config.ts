import { defineLibrary } from '../../tools/tsup.base.ts';

export default defineLibrary({
  entry: { index: 'src/index.ts', esbuild: 'src/esbuild.ts', rollup: 'src/rollup.ts' },
});
