// platform as the Pinner of buffer-pool, as the README of buffer-pool shows it.
import type { Pinner, PlaceResult } from '@corelane/buffer-pool';
import {
  bindMemory,
  hugePages,
  lockMemory,
  releaseMemory,
  unlockMemory,
  type Answer,
} from '@corelane/platform';

const placed = (answer: Answer<unknown>): PlaceResult =>
  answer.status === 'verified' ? { placed: true } : { placed: false, reason: answer.reason };

/** For pools and buffers whose alignment is whole pages. */
export const platformPinner: Pinner = {
  pin(bytes) {
    const answer = lockMemory(bytes);
    return answer.status === 'verified' ? { pinned: true } : { pinned: false, reason: answer.reason };
  },
  unpin: (bytes) => void unlockMemory(bytes),
  bind: (bytes, node) => placed(bindMemory(bytes, [node])),
  hugePages: (bytes) => placed(hugePages(bytes, 'advise')),
  release: (bytes) => placed(releaseMemory(bytes)),
};
