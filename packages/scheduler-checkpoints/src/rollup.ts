// The plugin of rollup, rolldown and vite.
import { checkPluginOptions, type PluginOptions } from './options.ts';
import { transform } from './transform.ts';

export type { FileFilter, FunctionEntries, PluginOptions } from './options.ts';

/** What rollup, rolldown and vite want of a plugin, without depending on any of them. */
export interface CheckpointsPlugin {
  readonly name: string;
  transform(code: string, id: string): { code: string; map: string } | undefined;
}

const FILES = /\.[cm]?[jt]sx?$/;
/** Behind which rollup's plugins keep modules of their own. */
const VIRTUAL = '\0';

/** Puts checkpoints into the modules of a build. @throws CheckpointsOptionError */
export function checkpoints(options: PluginOptions = {}): CheckpointsPlugin {
  const { functions, isMeant } = checkPluginOptions(options);
  return {
    name: '@corelane/scheduler-checkpoints',
    transform(source, id): { code: string; map: string } | undefined {
      const path = id.replace(/[?#].*$/s, '');
      if (path.startsWith(VIRTUAL) || !FILES.test(path) || !isMeant(path)) return undefined;
      const { code, map } = transform(source, { filename: path, functions });
      return map === undefined ? undefined : { code, map: map.toString() };
    },
  };
}
