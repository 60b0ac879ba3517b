/**
 * native/memory.c. A range is `(view, offsetBytes, lengthBytes)`. Every function answers >= 0, or -errno; a range that leaves its view
 * throws, which would be a bug of this package.
 */
export interface NativeMemory {
  /** Size of a page. */
  pageBytes(): number;
  /** Where the range is. For looking it up in /proc only: no function takes an address. */
  memoryAddress(view: Uint8Array, offsetBytes: number, lengthBytes: number): number;
  /** madvise. */
  memoryAdvise(view: Uint8Array, offsetBytes: number, lengthBytes: number, advice: number): number;
  /** mlock. */
  memoryLock(view: Uint8Array, offsetBytes: number, lengthBytes: number): number;
  /** munlock. */
  memoryUnlock(view: Uint8Array, offsetBytes: number, lengthBytes: number): number;
  /** mincore: how many pages are there. */
  memoryResidentPages(view: Uint8Array, offsetBytes: number, lengthBytes: number): number;
  /** mbind. `nodes`: NODE_MASK_BYTES, one bit a node. */
  memoryBind(
    view: Uint8Array,
    offsetBytes: number,
    lengthBytes: number,
    mode: number,
    nodes: Uint8Array,
    flags: number,
  ): number;
  /** get_mempolicy at the start of the range: its mode; writes `nodes`, of NODE_MASK_BYTES. */
  memoryPolicy(view: Uint8Array, offsetBytes: number, lengthBytes: number, nodes: Uint8Array): number;
  /** move_pages, asking only: writes the node of each page, or -errno for that page. */
  memoryNodes(view: Uint8Array, offsetBytes: number, lengthBytes: number, status: Int32Array): number;
  /** move_pages to `node`. 0 also where pages stayed: `memoryNodes` tells. */
  memoryMove(
    view: Uint8Array,
    offsetBytes: number,
    lengthBytes: number,
    status: Int32Array,
    node: number,
  ): number;
  /** Reads a byte of every page, or (`write` 1) adds 0 to it atomically. */
  memoryTouch(view: Uint8Array, offsetBytes: number, lengthBytes: number, write: 0 | 1): number;
  /** PAGEMAP_SCAN: how many bytes are mapped as huge pages. -ENOTTY before Linux 6.7. */
  memoryHugeBytes(view: Uint8Array, offsetBytes: number, lengthBytes: number): number;
}

/** Length of a mask of nodes: 1024 of them, the most that Linux can be built for. */
export const NODE_MASK_BYTES = 128;
export const MAX_NODES: number = NODE_MASK_BYTES * 8;
