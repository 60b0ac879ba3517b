import { expectZeroAllocation } from '@corelane/memory-tracker';
import { Arena } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { FRAME_FULL, FramedRing, SpscRing, StripedCounter } from '../src/index.ts';

describe('allocates nothing', () => {
  const arena = Arena.create({ bytes: 1 << 18 });
  const words = SpscRing.create(arena, { capacity: 128 });
  const producer = words.producer();
  const consumer = words.consumer();
  const bytes = SpscRing.create(arena, { capacity: 512, element: 'u8' });
  const byteProducer = bytes.producer();
  const byteConsumer = bytes.consumer();
  const frames = FramedRing.create(arena, { capacityBytes: 4096 });
  const frameProducer = frames.producer();
  const frameConsumer = frames.consumer();
  const counter = StripedCounter.create(arena);
  const block = Int32Array.from({ length: 50 }, (_, i) => i * 0x0101_0101);
  const payload = Uint8Array.from({ length: 200 }, (_, i) => i);
  const out = new Uint8Array(400);
  let seen = 0;
  const look = (view: Uint8Array, at: number, length: number): void => {
    seen = (seen + (view[at] as number) + length) | 0;
  };

  test.each<[string, () => void]>([
    [
      'single words of every size, full and empty included',
      () => {
        for (let i = 0; i < 129; i++) producer.tryPush((i * 0x0404_0404) | 0);
        for (let i = 0; i < 129; i++) seen = (seen + consumer.tryPop()) | 0;
      },
    ],
    [
      'blocks of words, over the wrap',
      () => {
        producer.write(block);
        producer.write(block, 3, 40);
        consumer.read(block);
        consumer.read(block, 3);
      },
    ],
    [
      'blocks of bytes, over the wrap, at odd offsets',
      () => {
        byteProducer.tryWrite(payload);
        byteProducer.write(payload, 7, 101);
        byteConsumer.read(out, 5);
        byteProducer.tryPush(3);
        byteConsumer.tryPop();
      },
    ],
    [
      'frames copied in and out, full and empty included',
      () => {
        while (frameProducer.tryWrite(payload, 0, 150) !== FRAME_FULL);
        while (frameConsumer.readInto(out) >= 0);
      },
    ],
    [
      'frames claimed, aborted, peeked and drained',
      () => {
        const at = frameProducer.tryClaim(100);
        frameProducer.bytes[at] = 1;
        frameProducer.commit();
        frameProducer.tryClaim(10);
        frameProducer.abort();
        frameProducer.tryWrite(payload);
        frameProducer.tryWrite(payload);
        seen = (seen + frameConsumer.peek() + frameConsumer.length) | 0;
        frameConsumer.advance();
        frameConsumer.tryRead(look);
        frameConsumer.drain(look);
      },
    ],
    [
      'additions and sums of the counter',
      () => {
        counter.add(1);
        counter.add(-7);
        if (!Number.isSafeInteger(counter.sum() + counter.sumAndReset())) throw new Error('wrong sum');
      },
    ],
  ])('%s', (_, operation) => {
    expect(expectZeroAllocation(operation, { iterations: 2000 })).toBeLessThan(0.1);
    expect(seen).toBe(seen | 0);
  });
});
