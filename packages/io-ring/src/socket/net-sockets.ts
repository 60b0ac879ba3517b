/**
 * Sockets on node:net, where there is no io_uring: objects under numbers that take the place of descriptors. What nobody has asked for yet stays in
 * the kernel but for a buffer of each connection; who is not asked for keeps the process alive no longer than a descriptor would.
 */
import os from 'node:os';
import { RingClosedError } from '../errors.ts';
import type { Operation } from '../operation.ts';
import type { Endpoint } from './endpoint.ts';
import { NetConnection } from './net-connection.ts';
import { NetServer } from './net-server.ts';
import type { ListenSettings, Settle, Sockets } from './sockets.ts';

/** Above all descriptors of a process (fs.nr_open is below it). */
const FIRST = 2 ** 30;

export class NetSockets implements Sockets {
  readonly #known = new Map<number, NetConnection | NetServer>();
  #next = FIRST;
  #closed = false;

  async listen(at: Endpoint, settings: ListenSettings): Promise<number> {
    if (this.#closed) throw new RingClosedError('ring');
    const server = await NetServer.listen(at, settings, (connection) => this.#add(connection));
    return this.#add(server);
  }

  open(): number {
    if (this.#closed) throw new RingClosedError('ring');
    return this.#add(new NetConnection());
  }

  trySend(): number {
    return -os.constants.errno.EAGAIN; // node:net does so itself
  }

  endpointOf(fd: number, peer: boolean): Endpoint | undefined {
    return this.#known.get(fd)?.endpoint(peer);
  }

  setNoDelay(fd: number, noDelay: boolean): void {
    this.#known.get(fd)?.setNoDelay(noDelay);
  }

  setKeepAlive(fd: number, idleSeconds: number): void {
    const known = this.#known.get(fd);
    if (known instanceof NetConnection) known.setKeepAlive(idleSeconds);
  }

  resetOnClose(fd: number): void {
    const known = this.#known.get(fd);
    if (known instanceof NetConnection) known.resetOnClose = true;
  }

  /** A write that has begun ends only with its connection. */
  interrupt(fd: number): void {
    const known = this.#known.get(fd);
    if (known instanceof NetConnection) known.close();
  }

  has(fd: number): boolean {
    return fd >= FIRST;
  }

  async close(fd: number): Promise<number> {
    const known = this.#known.get(fd);
    this.#known.delete(fd);
    if (known === undefined) return -os.constants.errno.EBADF;
    await new Promise<void>((resolve) => known.close(resolve));
    return 0;
  }

  /** Whether it is an operation of one of these; then it completes by `settle`. */
  start(operation: Operation, settle: Settle): boolean {
    const { fd } = operation;
    if (!this.has(fd)) return false;
    const known = this.#known.get(fd);
    if (known === undefined) setImmediate(settle, -os.constants.errno.EBADF);
    else known.start(operation, settle);
    return true;
  }

  /** Ends an operation, where that is possible. */
  cancel(operation: Operation): void {
    this.#known.get(operation.fd)?.cancel(operation);
  }

  /** Ends all that is in flight, where that is possible; nothing is opened from now on. */
  cancelAll(): void {
    this.#closed = true;
    for (const known of this.#known.values()) known.cancelAll();
  }

  #add(known: NetConnection | NetServer): number {
    const fd = this.#next++;
    this.#known.set(fd, known);
    return fd;
  }
}
