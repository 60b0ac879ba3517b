import type { CompressionGuardOptions, Format } from '@corelane/atomic-state';

/** What a body may be declared as in `content-encoding`. */
export const ENCODINGS = ['gzip', 'deflate', 'br', 'zstd'] as const satisfies readonly Format[];
export type Encoding = (typeof ENCODINGS)[number];

/** GitHub's own payloads reach 11.8:1 (measured on the 329 examples); zeros in gzip reach 1032:1. */
export type InflateCaps = Required<Pick<CompressionGuardOptions, 'maxBytes' | 'maxRatio' | 'maxMs'>>;
