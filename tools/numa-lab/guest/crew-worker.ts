/** One of a crew. */
import { parentPort } from 'node:worker_threads';
import type { Answer, CurrentCpu, Pinned, PlacementSlot } from '@corelane/platform';
import { currentCpu, pin, threadId } from '@corelane/platform';

export type CrewOrder =
  | { readonly do: 'id' }
  | { readonly do: 'pin'; readonly slot: Pick<PlacementSlot, 'cpus' | 'node'> }
  | { readonly do: 'where' }
  /** Writes 1 to every page from byte `from` to byte `to`. */
  | { readonly do: 'touch'; readonly view: Uint8Array; readonly from: number; readonly to: number };

export interface CrewAnswers {
  readonly id: Answer<number>;
  readonly pin: Answer<Pinned>;
  readonly where: Answer<CurrentCpu>;
  readonly touch: null;
}

const PAGE_BYTES = 4096;

function obey(order: CrewOrder): CrewAnswers[keyof CrewAnswers] {
  switch (order.do) {
    case 'id':
      return threadId();
    case 'pin':
      return pin(order.slot);
    case 'where':
      return currentCpu();
    case 'touch':
      for (let at = order.from; at < order.to; at += PAGE_BYTES) order.view[at] = 1;
      return null;
  }
}

parentPort?.on('message', (order: CrewOrder) => parentPort?.postMessage(obey(order)));
