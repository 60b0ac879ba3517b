/**
 * The addon, where there is one. It comes with the optional dependency of this operating system and processor, is loaded at the first use on
 * each thread, and is never required: without it everything runs on node:fs, and `ring.backend` says why.
 */
import { createRequire } from 'node:module';

/** Functions of native/*.c. They answer numbers: >= 0 is the result, < 0 is -errno. A ring is a number > 0. */
export interface NativeAddon {
  readonly abi: number;
  openRing(entries: number, completionEntries: number, setupFlags: number): number;
  ringFacts(ring: number, into: Int32Array): number;
  bindQueues(ring: number, staged: Int32Array, done: Int32Array): number;
  addRegion(ring: number, view: Uint8Array): number;
  registerBuffers(ring: number): number;
  registerFiles(ring: number, slots: number): number;
  setFile(ring: number, slot: number, fd: number): number;
  /** 1 where this kernel has the operation, else 0. */
  supports(ring: number, opcode: number): number;
  /** Hands staged records to the kernel: how many it took. */
  submit(ring: number, count: number): number;
  /** Asks for the end of an operation, which completes in any case. */
  cancelOperation(ring: number, id: number): number;
  watchRing(ring: number, callback: (count: number) => void): number;
  holdLoop(ring: number, hold: number): number;
  /** Runs staged records to the end, blocking: how many succeeded. */
  runBatch(ring: number, count: number, results: Int32Array): number;
  /** 0: answered by the callback of `watchRing`. Else it is over: 1 more than succeeded. */
  startBatch(ring: number, count: number, results: Int32Array): number;
  cancelBatch(ring: number): number;
  closeRing(ring: number): number;
  /** Closes what an operation of this thread has opened, whatever became of its ring. */
  closeDescriptor(fd: number): number;
  /** Sends what the kernel takes without waiting: how many bytes, or -EAGAIN. */
  trySend(ring: number, fd: number, region: number, offset: number, length: number): number;
  /** A record of `ADDRESS` becomes what the kernel takes, in its place: how many bytes. */
  encodeAddress(record: Uint8Array): number;
  openSocket(ring: number, family: number): number;
  bindSocket(fd: number, record: Uint8Array): number;
  listenSocket(fd: number, backlog: number): number;
  /** Fills in the record of the socket's own address, or of its peer's. */
  socketAddress(fd: number, peer: number, into: Uint8Array): number;
  setSocketOption(fd: number, option: number, value: number): number;
}

export type Native =
  | { readonly addon: NativeAddon; readonly reason: string }
  /** `reason`: why there is none, as a clause. */
  | { readonly addon: null; readonly reason: string };

/** What native/addon.c must say for its functions to be those declared here. */
const ABI = 2;
/** Operating systems and processors with a package of their own. */
const TARGETS = ['linux-x64', 'linux-arm64'];
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
  const name = `@corelane/io-ring-${target}`;
  let addon: Partial<NativeAddon>;
  try {
    addon = createRequire(import.meta.url)(name) as Partial<NativeAddon>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [summary] = message.split('\n');
    return none(`the addon ${name} could not be loaded (${code ?? 'no code'}: ${summary})`);
  }
  if (addon.abi !== ABI)
    return none(
      `the addon ${name} has interface ${String(addon.abi)}, this version of the package needs ${ABI}`,
    );
  return { addon: addon as NativeAddon, reason: `the addon ${name}` };
}

function none(reason: string): Native {
  return { addon: null, reason };
}
