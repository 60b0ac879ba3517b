// The plugin of esbuild, and of tsup: `esbuildPlugins: [checkpoints()]`.
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { CheckpointsSyntaxError } from './errors.ts';
import { checkPluginOptions, type PluginOptions } from './options.ts';
import { transform } from './transform.ts';

export type { FileFilter, FunctionEntries, PluginOptions } from './options.ts';

type Loader = 'js' | 'jsx' | 'ts' | 'tsx' | 'default';

interface LoadResult {
  readonly contents?: string;
  readonly loader?: Loader;
  readonly errors?: {
    text: string;
    location: { file: string; line: number; column: number; lineText: string };
  }[];
}

/** Of a build, what the plugin asks for: `PluginBuild` of any version of esbuild. */
interface Build {
  readonly initialOptions: { readonly loader?: Readonly<Record<string, string>> };
  onLoad(
    options: { filter: RegExp; namespace: string },
    load: (file: { readonly path: string }) => Promise<LoadResult | undefined>,
  ): void;
}

/** What esbuild wants of a plugin, without depending on it. */
export interface CheckpointsPlugin {
  readonly name: string;
  setup(build: Build): void;
}

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
export function checkpoints(options: PluginOptions = {}): CheckpointsPlugin {
  const { functions, isMeant } = checkPluginOptions(options);
  return {
    name: '@corelane/scheduler-checkpoints',
    setup(build): void {
      const given = build.initialOptions.loader;
      build.onLoad(
        { filter: FILES, namespace: 'file' },
        async ({ path }): Promise<LoadResult | undefined> => {
          if (!isMeant(path)) return undefined;
          const source = await readFile(path, 'utf8');
          try {
            const { code, map } = transform(source, { filename: path, functions });
            if (map === undefined) return undefined;
            const extension = extname(path);
            return {
              contents: `${code}\n//# sourceMappingURL=${map.toUrl()}`,
              loader: (given?.[extension] as Loader | undefined) ?? LOADERS[extension] ?? 'default',
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
