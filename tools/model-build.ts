// Loaded into every process of vitest: a kernel (packages/x/kernel/*.ts) is the model build there. Its `atomics` seam is the twin of
// tools/interleave, and a kernel that is named by its package is the source of it. Same rules as tools/kernel/build.mjs.
import { registerHooks } from 'node:module';

const twin = new URL('./interleave/src/twin.ts', import.meta.url).href;
const packages = new URL('../packages/', import.meta.url).href;

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (/(^|\/)atomics(\.ts)?$/.test(specifier) && context.parentURL?.includes('/kernel/'))
      return nextResolve(twin, context);
    const kernel = /^@corelane\/([\w-]+)\/kernel\/([\w.-]+)$/.exec(specifier);
    return nextResolve(kernel ? `${packages}${kernel[1]}/kernel/${kernel[2]}.ts` : specifier, context);
  },
});
