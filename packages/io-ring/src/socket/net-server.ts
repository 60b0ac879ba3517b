/** What listens, on node:net. Node accepts by itself: connections wait here instead of in the kernel, and as many at most. */
import net from 'node:net';
import os from 'node:os';
import { OP } from '../layout.ts';
import type { Operation } from '../operation.ts';
import { endpointFrom, type Endpoint } from './endpoint.ts';
import { HIGH_WATER_BYTES, NetConnection } from './net-connection.ts';
import { listenError } from './net-errors.ts';
import type { ListenSettings, Settle } from './sockets.ts';

interface Accepting {
  readonly operation: Operation;
  readonly settle: Settle;
}

export class NetServer {
  readonly #server: net.Server;
  readonly #backlog: number;
  readonly #add: (connection: NetConnection) => number;
  readonly #arrived: NetConnection[] = [];
  #accepting: Accepting[] = [];
  #noDelay = false;

  /** Rejects with OperationError. */
  static async listen(
    { address, port }: Endpoint,
    { backlog, reusePort, ipv6Only }: ListenSettings,
    add: (connection: NetConnection) => number,
  ): Promise<NetServer> {
    const server = net.createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      highWaterMark: HIGH_WATER_BYTES,
    });
    const at = { address, port, family: net.isIPv6(address) ? 'IPv6' : 'IPv4' } as const;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: unknown): void => reject(listenError(error, at));
      server.once('error', failed);
      server.listen({ host: address, port, backlog, ipv6Only, reusePort, exclusive: true }, () => {
        server.off('error', failed);
        resolve();
      });
    });
    return new NetServer(server, backlog, add);
  }

  private constructor(server: net.Server, backlog: number, add: (connection: NetConnection) => number) {
    this.#server = server;
    this.#backlog = backlog;
    this.#add = add;
    server.unref();
    server.on('connection', (socket) => this.#connected(socket));
    server.on('error', () => {}); // what fails with one connection is told to nobody else
  }

  endpoint(peer: boolean): Endpoint | undefined {
    const at = this.#server.address();
    return peer || at === null || typeof at === 'string' ? undefined : endpointFrom(at.address, at.port);
  }

  setNoDelay(noDelay: boolean): void {
    this.#noDelay = noDelay;
  }

  start(operation: Operation, settle: Settle): void {
    if (operation.opcode !== OP.accept) {
      setImmediate(settle, -os.constants.errno.EINVAL);
      return;
    }
    this.#accepting.push({ operation, settle });
    if (this.#arrived.length > 0) setImmediate(() => this.#match());
    this.#server.ref();
  }

  cancel(operation: Operation): void {
    const found = this.#accepting.find((one) => one.operation === operation);
    if (found === undefined) return;
    this.#accepting = this.#accepting.filter((one) => one !== found);
    setImmediate(found.settle, -os.constants.errno.ECANCELED);
    if (this.#accepting.length === 0) this.#server.unref();
  }

  cancelAll(): void {
    for (const { operation } of this.#accepting) {
      operation.cancelled = true;
      this.cancel(operation);
    }
  }

  close(closed: () => void = () => {}): void {
    for (const connection of this.#arrived.splice(0)) connection.close();
    this.#server.close();
    // Its event comes when the last connection has ended; the port is free at once.
    setImmediate(closed);
  }

  #connected(socket: net.Socket): void {
    if (this.#arrived.length >= this.#backlog) {
      socket.destroy();
      return;
    }
    if (this.#noDelay) socket.setNoDelay(true);
    this.#arrived.push(new NetConnection(socket));
    this.#match();
  }

  #match(): void {
    while (this.#arrived.length > 0 && this.#accepting.length > 0) {
      const connection = this.#arrived.shift() as NetConnection;
      const { settle } = this.#accepting.shift() as Accepting;
      settle(this.#add(connection));
    }
    if (this.#accepting.length === 0) this.#server.unref();
  }
}
