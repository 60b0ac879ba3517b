// What whoever creates buffers arranges for their pages, through its ports, and takes back when it disposes of them.
import { placePages, type Placement, type PlacementOptions } from './placement.ts';
import { noMemorySink, noPinner, type MemorySink, type Pinner, type PinResult } from './ports.ts';

export interface BackingOptions extends PlacementOptions {
  readonly sink?: MemorySink;
  readonly pinner?: Pinner;
}

/** The memory that is backed. */
export interface BackedMemory {
  /** What it is called at the sink, and how much of it is counted there. */
  readonly tag: string;
  readonly bytes: number;
  /** Pages to place and pin at first, and those that may be pinned by the end. */
  readonly first: Uint8Array;
  readonly all: Uint8Array;
}

export interface Backing {
  readonly placement: Placement;
  readonly pinning: PinResult;
  readonly pinner: Pinner;
  /** Unpins what was pinned and tells the sink, once. */
  release(): void;
}

/** Before anything touches the pages. */
export function backMemory(options: BackingOptions, memory: BackedMemory): Backing {
  const { sink = noMemorySink, pinner = noPinner } = options;
  const { tag, bytes, first, all } = memory;
  sink.alloc(tag, bytes);
  const { placement, pinning } = placePages(pinner, first, options);
  let held = true;
  return {
    placement,
    pinning,
    pinner,
    release: () => {
      if (!held) return;
      held = false;
      try {
        if (pinning.pinned) pinner.unpin(all);
      } finally {
        sink.dealloc(tag, bytes);
      }
    },
  };
}
