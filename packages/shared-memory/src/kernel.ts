// Loading Wasm kernels: modules of hundreds of bytes, inlined as base64, compiled synchronously, once a thread.
import { SharedMemoryError } from './errors.ts';

/** A shared `WebAssembly.Memory`, without its global type: `@types/node` does not declare it. */
export interface SharedWasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** What `tools/kernel/build.mjs` generates, with the type of its exports: `{ base64: kernelBase64 } as KernelSource<KernelExports>`. */
export interface KernelSource<Exports> {
  readonly base64: string;
  /** Only a type: what the module exports. */
  readonly exports?: Exports;
}

/** A kernel that cannot be compiled or bound: a broken build, or a memory that is not shared. */
export class KernelError extends SharedMemoryError {
  override readonly name = 'KernelError';

  constructor(message: string, cause: unknown) {
    super('ERR_KERNEL', message, { cause });
  }
}

// Compiling is pure: the same text gives the same module, so a cache by text is no shared state.
const compiled = new Map<string, WebAssembly.Module>();

/** Binds a kernel to a shared memory. @throws KernelError */
export function instantiateKernel<Exports>(source: KernelSource<Exports>, memory: SharedWasmMemory): Exports {
  try {
    let module = compiled.get(source.base64);
    if (module === undefined) {
      module = new WebAssembly.Module(Buffer.from(source.base64, 'base64'));
      compiled.set(source.base64, module);
    }
    const env = { memory: memory as WebAssembly.Memory };
    return new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
  } catch (cause) {
    throw new KernelError(`cannot bind a kernel: ${(cause as Error).message}`, cause);
  }
}
