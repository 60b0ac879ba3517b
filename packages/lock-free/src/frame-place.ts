// Where a framed ring lies, for its producers and its consumer.
import type { Arena } from '@corelane/shared-memory';
import type { KernelExports } from './kernel.generated.ts';
import { FRAME_SLOT_BYTES, framedRingRoot, frameHeader } from './layout.ts';

export class FramePlace {
  readonly arena: Arena;
  readonly kernel: KernelExports;
  /** Byte address of the root. */
  readonly at: number;
  readonly slots: number;
  /** Byte address of slot 0. */
  readonly data: number;
  /** Largest payload: half of all slots, so that it fits into an empty ring wherever that stands. */
  readonly maxPayloadBytes: number;

  constructor(arena: Arena, kernel: KernelExports, at: number, slots: number) {
    this.arena = arena;
    this.kernel = kernel;
    this.at = at;
    this.slots = slots;
    this.data = at + framedRingRoot.bytes + slots * frameHeader.bytes;
    this.maxPayloadBytes = (slots / 2) * FRAME_SLOT_BYTES;
  }

  /** Byte address of a slot's payload. */
  payloadOf(slot: number): number {
    return this.data + slot * FRAME_SLOT_BYTES;
  }

  /** Index of a slot's header in `arena.i32`. */
  headerOf(slot: number): number {
    return (this.at + framedRingRoot.bytes + slot * frameHeader.bytes) >> 2;
  }
}

export function framedRingBytes(slots: number): number {
  return framedRingRoot.bytes + slots * (frameHeader.bytes + FRAME_SLOT_BYTES);
}
