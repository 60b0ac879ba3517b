// Where the pages of buffers are to be, and what came of it.
import { ArgumentRangeError } from '@corelane/shared-memory';
import type { Pinner, PinResult, PlaceResult } from './ports.ts';

export interface PlacementOptions {
  /** NUMA node to put the pages on, through the pinner: by default where they are first touched. */
  readonly node?: number;
  /** Ask for huge pages, through the pinner: of use where `alignBytes` is 2 MiB or the whole is several. */
  readonly hugePages?: boolean;
}

/** What was asked for, and whether the pinner has done it. */
export interface Placement {
  readonly node?: PlaceResult & { readonly asked: number };
  readonly hugePages?: PlaceResult;
}

/** @throws ArgumentRangeError */
export function checkPlacement({ node }: PlacementOptions): void {
  if (node !== undefined && (!Number.isInteger(node) || node < 0 || node > 1023))
    throw new ArgumentRangeError('node', node, 'the number of a NUMA node, from 0 to 1023');
}

/** Before anything touches the pages: where they are, then that they stay. */
export function placePages(
  pinner: Pinner,
  bytes: Uint8Array,
  { node, hugePages = false }: PlacementOptions,
): { placement: Placement; pinning: PinResult } {
  const huge = hugePages ? place('ask for huge pages', () => pinner.hugePages?.(bytes)) : undefined;
  const bound =
    node === undefined ? undefined : place('put pages on a node', () => pinner.bind?.(bytes, node));
  const placement: Placement = {
    ...(node === undefined || bound === undefined ? {} : { node: { asked: node, ...bound } }),
    ...(huge === undefined ? {} : { hugePages: huge }),
  };
  let pinning: PinResult;
  try {
    pinning = pinner.pin(bytes);
  } catch (error) {
    pinning = { pinned: false, reason: (error as Error).message };
  }
  return { placement, pinning };
}

/** A pinner that throws, at a range that is too small for it, has not done it either; the buffers are good all the same. */
function place(what: string, call: () => PlaceResult | undefined): PlaceResult {
  try {
    return call() ?? { placed: false, reason: `the pinner can not ${what}` };
  } catch (error) {
    return { placed: false, reason: (error as Error).message };
  }
}
