// Tasks whose arguments and results go by message ports.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { workerData } from 'node:worker_threads';
import { defineTasks, jsonCodec, move } from '../../src/index.ts';
import { ARRIVED, GATE } from './words.ts';
import { backwards } from './payloads.ts';

export const links = defineTasks(import.meta.url, {
  /** Answers over the port that it is given, and closes it. */
  answer({ port, text }: { readonly port: MessagePort; readonly text: string }): string {
    port.postMessage(`over the port: ${text}`);
    port.close();
    return text;
  },
  /** Gives one end of a channel; the other echoes what comes. */
  channel(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    port1.once('message', (message: unknown) => {
      port1.postMessage({ echo: message });
      port1.close();
    });
    return move(port2);
  },
  /** Without saying that the port is transferred. */
  channelForgotten(): MessagePort {
    return new MessageChannel().port2;
  },
  /** Its own bytes, moved back. */
  back: (bytes: Uint8Array) => move(bytes),
  fill: (length: number) => move(new Uint8Array(length).fill(length & 0xff)),
  bytes: (length: number) => new Uint8Array(length).fill(length & 0xff),
  sum: (bytes: Uint8Array) => bytes.reduce((sum, each) => sum + each, 0),
  /** The same shared memory: what it writes the other side sees. */
  mark({ memory }: { readonly memory: SharedArrayBuffer }): SharedArrayBuffer {
    new Uint8Array(memory)[0] = 42;
    return memory;
  },
  markView(view: Int32Array): Int32Array {
    view[1] = 43;
    return view;
  },
  /** Says that it has started, waits for the gate, then returns what goes by a port. */
  holdThenPort(): MessagePort {
    const words = workerData as Int32Array;
    Atomics.add(words, ARRIVED, 1);
    Atomics.notify(words, ARRIVED);
    Atomics.wait(words, GATE, 0);
    return move(new MessageChannel().port2);
  },
  exit(_port: unknown): void {
    process.exit(5);
  },
  len: (value: unknown) => (value as { readonly byteLength?: number }).byteLength ?? 1,
  echo: (value: unknown) => value,
  kind: (value: object): string => (Object.getPrototypeOf(value) as object).constructor.name,
  url: (): unknown => ({ url: new URL('http://a.example') }),
  add: (view: Int32Array) => Atomics.add(view, 0, 1) + 1,
  /** A value of a kind, of some 60 kB. */
  make(kind: string): unknown {
    switch (kind) {
      case 'Uint8Array':
        return new Uint8Array(60_000).fill(7);
      case 'Buffer':
        return Buffer.alloc(60_000, 7);
      case 'Float64Array':
        return new Float64Array(7000).fill(0.5);
      case 'Array':
        return Array.from({ length: 7000 }, (_, i) => i / 3);
      case 'Map':
        return new Map([['key', 'x'.repeat(60_000)]]);
      default:
        return 'ü'.repeat(60_000);
    }
  },
});

export const codedLinks = defineTasks(
  import.meta.url,
  { codedMake: (length: number) => ({ at: new Date(0), text: 'x'.repeat(length) }) },
  { codec: backwards },
);
export const jsonLinks = defineTasks(
  import.meta.url,
  { jsonMake: (length: number) => ({ at: new Date(0), text: 'x'.repeat(length) }) },
  { codec: jsonCodec },
);
