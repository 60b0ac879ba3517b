import { fileURLToPath } from 'node:url';
import type { UserWorkspaceConfig } from 'vitest/config';

const twin = fileURLToPath(new URL('./interleave/src/twin.ts', import.meta.url));
const packages = fileURLToPath(new URL('../packages/', import.meta.url));

/**
 * Settings of every project. Under vitest a kernel (packages/x/kernel/*.ts) is always the model build: its `atomics` seam resolves
 * to the twin of tools/interleave. The production build is the Wasm in src/kernel.generated.ts.
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
      include: ['test/**/*.test.ts'],
      benchmark: { include: ['test/**/*.bench.ts'] },
    },
  };
}
