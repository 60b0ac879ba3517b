// What threads need from outside to be put somewhere: `@corelane/platform` happens to satisfy it.

/** Of `platform`: it was done, and read back; or why not. */
export type PlatformAnswer<T> =
  | { readonly status: 'verified'; readonly value: T }
  | { readonly status: 'refused' | 'unsupported'; readonly reason: string };

/** Exported by a module, as functions of their own. All are about the calling thread. CPUs and nodes go by the kernel's numbers. */
export interface ThreadPlatform {
  affinity(): PlatformAnswer<readonly number[]>;
  setAffinity(cpus: Iterable<number>): PlatformAnswer<readonly number[]>;
  currentCpu(): PlatformAnswer<{ readonly cpu: number }>;
  readonly Topology: {
    read(): {
      node(node: number): { readonly cpus: readonly number[] } | undefined;
      nodeOfCpu(cpu: number): number | null;
    };
  };
}
