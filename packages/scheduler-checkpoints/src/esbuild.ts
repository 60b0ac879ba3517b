// The plugin of esbuild, and of tsup: `esbuildPlugins: [checkpoints()]`.
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Loader, OnLoadResult, Plugin } from 'esbuild';
import { CheckpointsSyntaxError } from './errors.ts';
import { checkPluginOptions, type PluginOptions } from './options.ts';
import { transform } from './transform.ts';

export type { FileFilter, FunctionEntries, PluginOptions } from './options.ts';

const FILES = /\.[cm]?[jt]sx?$/;
const LOADERS: Readonly<Record<string, Loader>> = {
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
};

/**
 * Puts checkpoints into the files of a build. Of several plugins that load a file esbuild asks the first one alone.
 * @throws CheckpointsOptionError
 */
export function checkpoints(options: PluginOptions = {}): Plugin {
  const { functions, isMeant } = checkPluginOptions(options);
  return {
    name: '@corelane/scheduler-checkpoints',
    setup(build): void {
      const given = build.initialOptions.loader;
      build.onLoad(
        { filter: FILES, namespace: 'file' },
        async ({ path }): Promise<OnLoadResult | undefined> => {
          if (!isMeant(path)) return undefined;
          const source = await readFile(path, 'utf8');
          try {
            const { code, map } = transform(source, { filename: path, functions });
            if (map === undefined) return undefined;
            const extension = extname(path);
            return {
              contents: `${code}\n//# sourceMappingURL=${map.toUrl()}`,
              loader: given?.[extension] ?? LOADERS[extension] ?? 'default',
            };
          } catch (error) {
            if (!(error instanceof CheckpointsSyntaxError)) throw error;
            const { line, column, reason } = error;
            const lineText = source.split('\n')[line - 1] ?? '';
            return { errors: [{ text: reason, location: { file: path, line, column, lineText } }] };
          }
        },
      );
    },
  };
}
