/**
 * The addon, where there is one. It comes with the optional dependency of this operating system and processor, is loaded at the first use on
 * each thread, and is never required: what needs it answers `unsupported` with the reason found here.
 */
import { createRequire } from 'node:module';
import type { NativeInterrupt } from './interrupt/native-interrupt.ts';
import type { NativeMemory } from './memory/native-memory.ts';
import type { NativePerf } from './perf/native-perf.ts';
import type { NativeThreads } from './threads/native-threads.ts';

/** Functions of native/*.c. They answer numbers: >= 0 is the result, < 0 is -errno. Each part is declared beside its concern. */
export interface NativeAddon extends NativeThreads, NativeMemory, NativePerf, NativeInterrupt {
  readonly abi: number;
}

export type Native =
  | { readonly addon: NativeAddon; readonly reason: string }
  /** `reason`: why there is none, as a clause. */
  | { readonly addon: null; readonly reason: string };

/** What native/addon.c must say for its functions to be those declared here. */
const ABI = 1;
/** Operating systems and processors with a package of their own. */
const TARGETS = ['linux-x64', 'linux-arm64'];
/** What helps, by the code of what loading it throws. */
const REMEDIES: Readonly<Record<string, string>> = {
  MODULE_NOT_FOUND: '; it comes as an optional dependency, which the installation left out',
  ERR_DLOPEN_DISABLED: '; node --permission needs --allow-addons for it',
};
/** Set to anything but '' or '0': behave as if there were no addon. */
const OFF = 'CORELANE_NO_NATIVE';

let loaded: Native | undefined;

/** The addon of this thread. Looked for once; the environment variable is read at that time. Does not throw. */
export function loadNative(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  const off = process.env[OFF];
  if (off !== undefined && off !== '' && off !== '0') return none(`${OFF}=${off} is set`);
  const target = `${process.platform}-${process.arch}`;
  if (!TARGETS.includes(target))
    return none(`there is no addon for ${target}, only for ${TARGETS.join(' and ')}`);
  const name = `@corelane/platform-${target}`;
  let addon: Partial<NativeAddon> | null;
  try {
    addon = createRequire(import.meta.url)(name) as Partial<NativeAddon> | null;
  } catch (error) {
    // What is in the place of the addon may throw anything.
    const { code = 'no code', message = String(error) } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
    const [summary] = message.split('\n');
    return none(`the addon ${name} could not be loaded (${code}: ${summary}${REMEDIES[code] ?? ''})`);
  }
  if (addon?.abi !== ABI)
    return none(
      `the addon ${name} has interface ${String(addon?.abi)}, this version of the package needs ${ABI}`,
    );
  return { addon: addon as NativeAddon, reason: `the addon ${name}` };
}

function none(reason: string): Native {
  return { addon: null, reason };
}
