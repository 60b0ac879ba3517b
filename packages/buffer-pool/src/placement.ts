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
  const huge = hugePages ? (pinner.hugePages?.(bytes) ?? unable('ask for huge pages')) : undefined;
  const bound =
    node === undefined ? undefined : (pinner.bind?.(bytes, node) ?? unable('put pages on a node'));
  const placement: Placement = {
    ...(node === undefined || bound === undefined ? {} : { node: { asked: node, ...bound } }),
    ...(huge === undefined ? {} : { hugePages: huge }),
  };
  return { placement, pinning: pinner.pin(bytes) };
}

function unable(what: string): PlaceResult {
  return { placed: false, reason: `the pinner can not ${what}` };
}
