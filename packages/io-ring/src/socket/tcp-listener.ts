/** A port that connections come to. */
import { IoArgumentError, OperationError, RingClosedError } from '../errors.ts';
import { cancelOn, checkOpen, engineOf, runOn, type IoRing, type OperationOptions } from '../io-ring.ts';
import { OP } from '../layout.ts';
import { checkObject } from '../operation-options.ts';
import { Operation, type Use } from '../operation.ts';
import { checkPort, resolveHost, type Endpoint } from './endpoint.ts';
import { socketOf, type TcpSocket } from './tcp-socket.ts';

/** What comes when neither is there, as with node:net. */
const ANY_6 = { address: '::', family: 'IPv6' } as const;
const ANY_4 = { address: '0.0.0.0', family: 'IPv4' } as const;
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);
/** What node:net takes. */
const BACKLOG = 511;

export interface ListenOptions {
  /** 0 to 65 535; 0, the default: one that is free, see `address`. */
  readonly port?: number;
  /** A name or an address. Default: all addresses of the machine, of IP version 6 and 4. */
  readonly host?: string;
  /** Connections that the kernel holds until they are accepted: 1 to 65 535, 511 by default; the system may have a lower limit (net.core.somaxconn). */
  readonly backlog?: number;
  /** Several may listen at the same port, and the kernel spreads connections over them (SO_REUSEPORT). Default false. */
  readonly reusePort?: boolean;
  /** Of an address of IP version 6: no connections of version 4. Default false. */
  readonly ipv6Only?: boolean;
  /** Accepted connections send without waiting for more (TCP_NODELAY). Default false. */
  readonly noDelay?: boolean;
}

export class TcpListener implements AsyncDisposable {
  /** Where it listens. */
  readonly address: Endpoint;
  readonly #ring: IoRing;
  readonly #fd: number;
  readonly #accepting = new Set<Operation>();
  readonly #use: Use = {
    enter: (operation) => this.#accepting.add(operation),
    leave: (operation) => this.#left(operation),
  };
  #closing: Promise<void> | null = null;
  #idle: (() => void) | null = null;

  private constructor(ring: IoRing, fd: number, address: Endpoint) {
    this.#ring = ring;
    this.#fd = fd;
    this.address = address;
  }

  /** @throws IoArgumentError; rejects with OperationError (`EADDRINUSE`, `EACCES` …), or the error of node:dns */
  static async listen(ring: IoRing, options: ListenOptions = {}): Promise<TcpListener> {
    checkObject(options, '`{ port, host }`');
    const {
      port = 0,
      host,
      backlog = BACKLOG,
      reusePort = false,
      ipv6Only = false,
      noDelay = false,
    } = options;
    checkPort(port, 0);
    if (!Number.isInteger(backlog) || backlog < 1 || backlog > 65_535)
      throw new IoArgumentError('backlog', backlog, 'a whole number from 1 to 65535');
    for (const [name, value] of Object.entries({ reusePort, ipv6Only, noDelay }))
      if (typeof value !== 'boolean') throw new IoArgumentError(name, value, 'true or false');
    const { sockets } = engineOf(ring);
    const settings = { backlog, reusePort, ipv6Only };
    const [found] = host === undefined ? [] : await resolveHost(host, port);
    checkOpen(ring);
    const place = found ?? { ...ANY_6, port };
    const fd = await sockets.listen(place, settings).catch((error: unknown) => {
      if (host !== undefined || !(error instanceof OperationError) || !NO_IPV6.has(error.code)) throw error;
      return sockets.listen({ ...ANY_4, port }, settings);
    });
    const address = sockets.endpointOf(fd, false) ?? place;
    // Accepted connections have it from the one that listens.
    if (noDelay) sockets.setNoDelay(fd, true);
    return new TcpListener(ring, fd, address);
  }

  /**
   * The next connection. Several may wait: each gets another one. Aborting leaves the connection to the next that accepts.
   * Rejects with OperationError (`EMFILE` …) or as all operations do; with RingClosedError when the listener is closed meanwhile.
   */
  async accept(options?: OperationOptions): Promise<TcpSocket> {
    if (this.#closing !== null) throw new RingClosedError('listener');
    const operation = new Operation(OP.accept, 'accept');
    operation.fd = this.#fd;
    operation.use = this.#use;
    const fd = await runOn(this.#ring, operation, options);
    return socketOf(this.#ring, fd);
  }

  /** Connections as they come, until the listener is closed. Whoever takes them closes them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TcpSocket, void, undefined> {
    while (true)
      try {
        yield await this.accept();
      } catch (error) {
        if (error instanceof RingClosedError && this.#closing !== null) return;
        // The peer was gone before it was accepted.
        if (!(error instanceof OperationError && error.code === 'ECONNABORTED')) throw error;
      }
  }

  /** No more connections; who waits for one is refused. Connections that were accepted go on. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #left(operation: Operation): void {
    this.#accepting.delete(operation);
    if (this.#accepting.size === 0) this.#idle?.();
  }

  async #close(): Promise<void> {
    for (const operation of this.#accepting) cancelOn(this.#ring, operation, new RingClosedError('listener'));
    if (this.#accepting.size > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    await engineOf(this.#ring).closeDescriptor(this.#fd);
  }
}
