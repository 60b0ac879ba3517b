/**
 * A connection of TCP. One receives and one sends at a time: what the kernel has of a second one in the same direction may come before the
 * first, so bytes would be mixed up.
 */
import os from 'node:os';
import { errnoName } from '../errno.ts';
import { IoArgumentError, OperationError, RingClosedError, SocketBusyError } from '../errors.ts';
import { cancelOn, countOn, engineOf, runOn, type IoRing, type OperationOptions } from '../io-ring.ts';
import { MESSAGE, OP, SHUT_SENDING } from '../layout.ts';
import { Operation, type Use } from '../operation.ts';
import { setMemory, type IoMemory, type MemoryRange } from '../loan.ts';
import { connect, type ConnectOptions } from './connect.ts';
import type { Endpoint } from './endpoint.ts';

const NO_OPTIONS: RecvOptions = {};
const EAGAIN = -os.constants.errno.EAGAIN;
const MAX_IDLE_SECONDS = 32_767;

export interface SendOptions extends OperationOptions, MemoryRange {}

export interface RecvOptions extends SendOptions {
  /** Goes on until the view is full, or the peer has sent all. Default false: what there is. */
  readonly inFull?: boolean;
}

/** A connection over a descriptor; for the listener. */
export let socketOf: (ring: IoRing, fd: number) => TcpSocket;

export class TcpSocket implements AsyncDisposable {
  static {
    socketOf = (ring, fd) => new TcpSocket(ring, fd);
  }

  readonly #ring: IoRing;
  readonly #fd: number;
  /** In flight, or in line. */
  #receiving: Operation | null = null;
  #sending: Operation | null = null;
  /** Used again for the next, unless it was cancelled. */
  #receiver: Operation | null = null;
  #sender: Operation | null = null;
  #bytesReceived = 0;
  #bytesSent = 0;
  /** Of the send in flight: those that went at once. */
  #bytesCounted = 0;
  /** The last receive took all that there was. */
  #drained = false;
  #local: Endpoint | undefined;
  #remote: Endpoint | undefined;
  #closing: Promise<void> | null = null;
  #idle: (() => void) | null = null;
  readonly #use: Use = {
    enter: (operation) => this.#enter(operation),
    leave: (operation) => this.#leave(operation),
  };

  private constructor(ring: IoRing, fd: number) {
    this.#ring = ring;
    this.#fd = fd;
  }

  /**
   * Connects. Rejects with OperationError (`ECONNREFUSED`, `ENETUNREACH` …: of the address that was tried last), the error of node:dns, or as all operations do.
   * `timeoutMs` is for all of it.
   * @throws IoArgumentError
   */
  static async connect(ring: IoRing, options: ConnectOptions): Promise<TcpSocket> {
    return new TcpSocket(ring, await connect(ring, options));
  }

  /** As node:net has it. `undefined` once the peer is gone, if it was not asked for before. */
  get remoteAddress(): string | undefined {
    return this.#remoteEndpoint()?.address;
  }

  get remotePort(): number | undefined {
    return this.#remoteEndpoint()?.port;
  }

  get localAddress(): string | undefined {
    return this.#localEndpoint()?.address;
  }

  get localPort(): number | undefined {
    return this.#localEndpoint()?.port;
  }

  /** Bytes received, whatever became of the operations that received them. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Bytes that the kernel has taken to send, also of a `send` that failed or was cancelled in the middle. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /**
   * Receives into `memory`, a view or a lease: what there is, at least a byte; 0 when the peer has sent all. How many bytes.
   * With `inFull`, all of it, or less where the peer ends before.
   * @throws IoArgumentError, IoMemoryError, SocketBusyError, RingClosedError, all as rejections; OperationError (`ECONNRESET` …), or as all operations do
   */
  recv(memory: IoMemory, options: RecvOptions = NO_OPTIONS): Promise<number> {
    let operation: Operation;
    try {
      if (this.#receiving !== null) throw new SocketBusyError('recv');
      operation = this.#prepare(this.#receiver ?? new Operation(OP.recv, 'recv'));
      this.#receiver = null;
      setMemory(operation, memory, 'fill', options);
      if (operation.view?.byteLength === 0) throw new IoArgumentError('memory.byteLength', 0, 'at least 1');
    } catch (error) {
      return Promise.reject(error);
    }
    operation.pollFirst = this.#drained;
    if (options.inFull === true) {
      operation.inFull = true;
      operation.flags = MESSAGE.waitAll;
    }
    return runOn(this.#ring, operation, options);
  }

  /**
   * Sends all of `memory`, a view or a lease: resolves with its length when the kernel has taken it, which waits while the peer does not read. Aborted in the middle,
   * it rejects, and `bytesSent` says how far it came. Otherwise as `recv` (`EPIPE`, `ECONNRESET`).
   */
  send(memory: IoMemory, options: SendOptions = NO_OPTIONS): Promise<number> {
    let operation: Operation;
    try {
      if (this.#sending !== null) throw new SocketBusyError('send');
      operation = this.#prepare(this.#sender ?? new Operation(OP.send, 'send'));
      this.#sender = null;
      setMemory(operation, memory, 'drain', options);
      if (operation.view?.byteLength === 0) return Promise.resolve(0);
      if (options.signal === undefined && options.timeoutMs === undefined && this.#sendAtOnce(operation)) {
        this.#sender = operation;
        return Promise.resolve(operation.transferredBytes);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    operation.inFull = true;
    operation.flags = MESSAGE.noSignal | MESSAGE.waitAll;
    return runOn(this.#ring, operation, options);
  }

  /** Says that no more will be sent; receiving goes on. Rejects with OperationError (`ENOTCONN`), or as all operations do. */
  async shutdown(options: OperationOptions = NO_OPTIONS): Promise<void> {
    if (this.#sending !== null) throw new SocketBusyError('send');
    const operation = this.#prepare(new Operation(OP.shutdown, 'shutdown'));
    operation.mode = SHUT_SENDING;
    await runOn(this.#ring, operation, options);
  }

  /** Whether small pieces are sent at once (TCP_NODELAY). @throws OperationError, RingClosedError */
  setNoDelay(noDelay = true): void {
    if (this.#closing !== null) throw new RingClosedError('socket');
    engineOf(this.#ring).sockets.setNoDelay(this.#fd, noDelay);
  }

  /** Whether the system asks a silent peer if it is still there, after so many idle milliseconds (1000 to 32 767 000). @throws IoArgumentError, OperationError, RingClosedError */
  setKeepAlive(keepAlive = true, idleMs = 60_000): void {
    if (this.#closing !== null) throw new RingClosedError('socket');
    const seconds = Math.ceil(idleMs / 1000);
    if (!(seconds >= 1 && seconds <= MAX_IDLE_SECONDS))
      throw new IoArgumentError('idleMs', idleMs, `milliseconds from 1 to ${MAX_IDLE_SECONDS * 1000}`);
    engineOf(this.#ring).sockets.setKeepAlive(this.#fd, keepAlive ? seconds : 0);
  }

  /**
   * Ends what is in flight (RingClosedError) and closes. What the kernel has taken is still sent; with `reset`, it is dropped, and the peer finds the
   * connection reset. A second call waits for the first.
   */
  async close({ reset = false }: { readonly reset?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#close(reset);
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(reset: boolean): Promise<void> {
    const { sockets } = engineOf(this.#ring);
    if (reset) sockets.resetOnClose(this.#fd);
    // The kernel must have let go of their memory.
    if (this.#receiving !== null) cancelOn(this.#ring, this.#receiving, new RingClosedError('socket'));
    if (this.#sending !== null) cancelOn(this.#ring, this.#sending, new RingClosedError('socket'));
    if (this.#busy) {
      sockets.interrupt(this.#fd);
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await engineOf(this.#ring).closeDescriptor(this.#fd);
  }

  get #busy(): boolean {
    return this.#receiving !== null || this.#sending !== null;
  }

  /** @throws RingClosedError */
  #prepare(operation: Operation): Operation {
    if (this.#closing !== null) throw new RingClosedError('socket');
    operation.reuse();
    operation.fd = this.#fd;
    operation.use = this.#use;
    return operation;
  }

  /** Whether all of it was sent; else what is left is to be. @throws OperationError */
  #sendAtOnce(operation: Operation): boolean {
    const view = operation.view as Uint8Array;
    const engine = engineOf(this.#ring);
    // What is left must not be refused.
    const sent = engine.roomFor(1) ? engine.sockets.trySend(this.#fd, view) : EAGAIN;
    if (sent === EAGAIN) return false;
    if (sent < 0) {
      countOn(this.#ring, true);
      throw new OperationError(errnoName(-sent), sent, 'send');
    }
    operation.transferredBytes = sent;
    this.#bytesSent += sent;
    this.#bytesCounted = 0; // of a send that was refused after a part of it had gone
    if (sent < view.byteLength) {
      operation.view = view.subarray(sent);
      this.#bytesCounted = sent;
      return false;
    }
    countOn(this.#ring, false);
    return true;
  }

  #enter(operation: Operation): void {
    if (operation.opcode === OP.recv) this.#receiving = operation;
    else this.#sending = operation;
  }

  #leave(operation: Operation): void {
    if (operation.opcode === OP.recv) {
      this.#receiving = null;
      this.#bytesReceived += operation.transferredBytes;
      this.#drained = operation.transferredBytes < (operation.view as Uint8Array).byteLength;
      if (!operation.cancelled) this.#receiver = operation;
    } else {
      this.#sending = null;
      if (operation.opcode === OP.send) {
        this.#bytesSent += operation.transferredBytes - this.#bytesCounted;
        this.#bytesCounted = 0;
        if (!operation.cancelled) this.#sender = operation;
      }
    }
    if (this.#idle !== null && !this.#busy) this.#idle();
  }

  #remoteEndpoint(): Endpoint | undefined {
    if (this.#remote === undefined && this.#closing === null)
      this.#remote = engineOf(this.#ring).sockets.endpointOf(this.#fd, true);
    return this.#remote;
  }

  #localEndpoint(): Endpoint | undefined {
    if (this.#local === undefined && this.#closing === null)
      this.#local = engineOf(this.#ring).sockets.endpointOf(this.#fd, false);
    return this.#local;
  }
}
