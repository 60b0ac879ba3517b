// How a worker finds the thread of a client: each client that is attached has a door on its thread, by an address that both know. A worker
// knocks with one end of a message channel, the other end of which it has.
//
// By `postMessageToThread`, which goes by way of the main thread. Tried and rejected: by way of the owner of the scheduler, who knows nothing of
// threads that attach by a handle alone.
import { postMessageToThread, threadId, type MessagePort } from 'node:worker_threads';

export type OnPort = (port: MessagePort, fromThread: number) => void;

interface Knock {
  readonly type: typeof KNOCK;
  readonly address: string;
  readonly port: MessagePort;
}

const KNOCK = '@corelane/scheduler/knock';
/** On this thread: all copies of this package share them, since all of them would hear the same messages. */
const DOORS = Symbol.for('@corelane/scheduler/doors');

interface Doors {
  readonly open: Map<string, OnPort>;
  readonly answer: (message: unknown, fromThread: number) => void;
}

function doors(): Doors {
  const thread = globalThis as { [DOORS]?: Doors };
  return (thread[DOORS] ??= { open: new Map(), answer });
}

/** From here on whoever knocks at this address is let in. */
export function openDoor(address: string, onPort: OnPort): void {
  const all = doors();
  if (all.open.size === 0) process.on('workerMessage', all.answer);
  all.open.set(address, onPort);
}

/** Harmless where it is shut. */
export function shutDoor(address: string): void {
  const all = doors();
  if (all.open.delete(address) && all.open.size === 0) process.off('workerMessage', all.answer);
}

/** Sends a port to a door of a thread, this one or another. Where there is none, the port is closed. */
export async function knock(thread: number, address: string, port: MessagePort): Promise<void> {
  if (thread === threadId) {
    letIn(address, port, threadId);
    return;
  }
  await postMessageToThread(thread, { type: KNOCK, address, port } satisfies Knock, [port]);
}

function answer(message: unknown, fromThread: number): void {
  const knocked = message as Partial<Knock> | null;
  if (knocked?.type === KNOCK) letIn(knocked.address as string, knocked.port as MessagePort, fromThread);
}

function letIn(address: string, port: MessagePort, fromThread: number): void {
  const onPort = doors().open.get(address);
  if (onPort === undefined) port.close();
  else onPort(port, fromThread);
}
