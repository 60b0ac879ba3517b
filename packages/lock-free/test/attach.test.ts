import { AttachError } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import {
  BoundedQueue,
  FramedRing,
  IndexStack,
  RcuCell,
  ReadWriteLock,
  SharedMutex,
  SpscRing,
  StripedCounter,
  WorkStealingDeque,
} from '../src/index.ts';

test.each([
  BoundedQueue,
  FramedRing,
  IndexStack,
  RcuCell,
  ReadWriteLock,
  SharedMutex,
  SpscRing,
  StripedCounter,
  WorkStealingDeque,
])('%o.attach refuses what is no handle with an AttachError', (structure) => {
  for (const wrong of [undefined, null, 7, 'handle', {}])
    expect(() => structure.attach(wrong as never)).toThrow(AttachError);
});
