import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, type UserWorkspaceConfig } from 'vitest/config';

const twin = fileURLToPath(new URL('./interleave/src/twin.ts', import.meta.url));
const packages = fileURLToPath(new URL('../packages/', import.meta.url));
const modelBuild = new URL('./model-build.ts', import.meta.url).href;

/** Threads race here for the rarest of their interleavings: nothing else gets a processor meanwhile. */
const ALONE = ['test/**/*.{stress,litmus}.test.ts'];
/**
 * Nothing but computing, on no thread, file or clock but their own: a third to a half less CPU time where Node loads the modules and not
 * vite, for whom each use of an import is a call of a getter, and where one process runs file after file (measured: 44 files, 90 s to 72 s
 * by that alone). What one of them changes outside of itself others would see.
 */
const COMPUTING = ['test/**/*.{model,mutants,property}.test.ts'];

/** Side by side, on two processors too, where vitest would run files one after the other. */
const together = {
  maxWorkers: Math.max(2, availableParallelism() - 1),
  sequence: { groupOrder: 1 },
};

/**
 * Settings of every project: three in one, that are all meant by its name (`--project lock-free`). Most files run side by
 * side; what stresses the machine runs alone when they are done.
 *
 * Under vitest a kernel (packages/x/kernel/*.ts) is always the model build: its `atomics` seam resolves
 * to the twin of tools/interleave (for vite by the plugin here, for Node by model-build.ts). The production build is the Wasm in src/kernel.generated.ts.
 */
export function shared(name: string): UserWorkspaceConfig {
  return {
    plugins: [
      {
        name: 'corelane:model-build',
        enforce: 'pre' as const,
        resolveId(source: string, importer: string | undefined): string | undefined {
          if (importer?.includes('/kernel/') && /(^|\/)atomics(\.ts)?$/.test(source)) return twin;
          const kernel = /^@corelane\/([\w-]+)\/kernel\/([\w.-]+)$/.exec(source);
          return kernel ? `${packages}${kernel[1]}/kernel/${kernel[2]}.ts` : undefined;
        },
      },
    ],
    ssr: { resolve: { conditions: ['@corelane/source', 'node', 'import', 'module', 'default'] } },
    test: {
      name,
      environment: 'node',
      // For a machine that is busy; nothing here takes seconds on one that is not, unless it says so.
      testTimeout: 30_000,
      hookTimeout: 30_000,
      // The same for what comes from another thread or process: by default vitest waits for a second of it.
      expect: { poll: { timeout: 20_000, interval: 5 } },
      benchmark: { include: ['test/**/*.bench.ts'] },
      projects: [
        {
          test: {
            name: 'together',
            include: ['test/**/*.test.ts'],
            exclude: [...configDefaults.exclude, ...ALONE, ...COMPUTING],
            ...together,
          },
        },
        {
          test: {
            name: 'computing',
            include: COMPUTING,
            isolate: false,
            experimental: { viteModuleRunner: false, nodeLoader: false },
            execArgv: [
              '--conditions=@corelane/source',
              '--disable-warning=ExperimentalWarning',
              `--import=${modelBuild}`,
            ],
            ...together,
          },
        },
        { test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } } },
      ],
    },
  };
}
