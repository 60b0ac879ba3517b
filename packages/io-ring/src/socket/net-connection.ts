/** A connection on node:net, driven as the kernel drives a socket: each operation takes from its stream, or waits until there is something. */
import net from 'node:net';
import os from 'node:os';
import { OP } from '../layout.ts';
import type { Operation } from '../operation.ts';
import { endpointFrom, type Endpoint } from './endpoint.ts';
import { errnoOf } from './net-errors.ts';
import type { Settle } from './sockets.ts';

/** Read ahead of who asks, at most. */
export const HIGH_WATER_BYTES = 65_536;
const { ECANCELED, EINVAL, ENOTCONN, EPIPE } = os.constants.errno;

export class NetConnection {
  resetOnClose = false;
  #socket: net.Socket | null;
  #receiving: Operation | null = null;
  #settleReceiving: Settle | null = null;
  #connecting: Settle | null = null;
  readonly #inFlight = new Set<Operation>();
  #noDelay = false;
  #ended = false;
  /** -errno of what has ended it; told once to who receives, as the kernel does, and then there is no more. */
  #error = 0;

  constructor(socket: net.Socket | null = null) {
    this.#socket = socket;
    if (socket !== null) this.#watch(socket);
  }

  endpoint(peer: boolean): Endpoint | undefined {
    const socket = this.#socket;
    if (socket === null) return undefined;
    return peer
      ? endpointFrom(socket.remoteAddress, socket.remotePort)
      : endpointFrom(socket.localAddress, socket.localPort);
  }

  setNoDelay(noDelay: boolean): void {
    this.#noDelay = noDelay;
    this.#socket?.setNoDelay(noDelay);
  }

  setKeepAlive(idleSeconds: number): void {
    this.#socket?.setKeepAlive(idleSeconds > 0, idleSeconds * 1000);
  }

  start(operation: Operation, settle: Settle): void {
    if (this.#inFlight.size === 0) this.#hold(true);
    this.#inFlight.add(operation);
    const done = (result: number): void => {
      this.#inFlight.delete(operation);
      if (this.#inFlight.size === 0) this.#hold(false);
      settle(result);
    };
    const { opcode, view } = operation;
    if (opcode === OP.connect) this.#connect(operation.endpoint as Endpoint, done);
    else if (this.#socket === null) setImmediate(done, -ENOTCONN);
    else if (opcode === OP.recv) this.#receive(operation, done);
    else if (opcode === OP.send) this.#send(this.#socket, view as Uint8Array, done);
    else if (opcode === OP.shutdown) this.#shutdown(this.#socket, done);
    else setImmediate(done, -EINVAL);
  }

  /** Whether it keeps the process alive. One that is gone would wait to be connected, and remember each time that it was asked. */
  #hold(hold: boolean): void {
    const socket = this.#socket;
    if (socket === null || socket.destroyed) return;
    if (hold) socket.ref();
    else socket.unref();
  }

  /** What is being written cannot be taken back. */
  cancel(operation: Operation): void {
    if (operation === this.#receiving) this.#received(-ECANCELED);
    else if (operation.opcode === OP.connect) this.#connected(-ECANCELED);
  }

  cancelAll(): void {
    for (const operation of this.#inFlight) operation.cancelled = true;
    this.#received(-ECANCELED);
    this.#connected(-ECANCELED);
    if (this.#inFlight.size > 0) this.close();
  }

  close(closed: () => void = () => {}): void {
    const socket = this.#socket;
    if (socket === null || socket.closed) {
      setImmediate(closed);
      return;
    }
    socket.once('close', closed);
    if (this.resetOnClose) socket.resetAndDestroy();
    else socket.destroy();
  }

  #connect({ address, port }: Endpoint, done: Settle): void {
    const socket = net.connect({
      host: address,
      port,
      allowHalfOpen: true,
      noDelay: this.#noDelay,
      highWaterMark: HIGH_WATER_BYTES,
    } as net.NetConnectOpts);
    socket.pause();
    this.#socket = socket;
    this.#connecting = done;
    socket.once('connect', () => this.#connected(0));
    this.#watch(socket);
  }

  #connected(result: number): void {
    const settle = this.#connecting;
    this.#connecting = null;
    if (settle !== null) setImmediate(settle, result);
  }

  #watch(socket: net.Socket): void {
    if (this.#inFlight.size === 0) socket.unref();
    socket.on('end', () => {
      this.#ended = true;
      this.#pump();
    });
    socket.on('error', (error) => {
      this.#error = errnoOf(error);
      this.#connected(this.#error);
      this.#pump();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#connected(-ECANCELED);
      this.#pump();
    });
  }

  #receive(operation: Operation, done: Settle): void {
    const socket = this.#socket as net.Socket;
    this.#receiving = operation;
    this.#settleReceiving = done;
    // From the first receive on: what comes before it stays in the kernel.
    if (socket.listenerCount('readable') === 0) socket.on('readable', () => this.#pump());
    if (socket.readableLength > 0 || this.#ended || this.#error !== 0) setImmediate(() => this.#pump());
    else socket.read(0);
  }

  /** Gives what there is to who receives. */
  #pump(): void {
    const socket = this.#socket as net.Socket;
    const view = this.#receiving?.view ?? null;
    if (view === null) return;
    const there = Math.min(socket.readableLength, view.byteLength);
    const chunk = there > 0 ? (socket.read(there) as Buffer | null) : null;
    if (chunk !== null) {
      view.set(chunk);
      this.#received(chunk.length);
    } else if (this.#error !== 0) {
      const error = this.#error;
      this.#error = 0;
      this.#ended = true;
      this.#received(error);
    } else if (this.#ended) this.#received(0);
    else socket.read(0); // goes on reading, and finds the end
  }

  #received(result: number): void {
    const settle = this.#settleReceiving;
    this.#receiving = null;
    this.#settleReceiving = null;
    if (settle !== null) setImmediate(settle, result);
  }

  #send(socket: net.Socket, view: Uint8Array, done: Settle): void {
    if (socket.destroyed || socket.writableEnded) {
      setImmediate(done, -EPIPE);
      return;
    }
    // Not in the same turn: a loop of awaited sends would keep it for itself.
    socket.write(view, (error) => setImmediate(done, error ? errnoOf(error) : view.byteLength));
  }

  #shutdown(socket: net.Socket, done: Settle): void {
    if (socket.destroyed) setImmediate(done, -ENOTCONN);
    else socket.end(() => setImmediate(done, 0));
  }
}
