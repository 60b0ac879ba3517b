/** Sockets of io_uring: descriptors of the process, made and set by the addon at once. */
import { errnoName } from '../errno.ts';
import { OperationError, RingClosedError } from '../errors.ts';
import { ADDRESS_BYTES, SOCKET_OPTION, type SocketOption } from '../layout.ts';
import type { NativeAddon } from '../native.ts';
import type { Regions } from '../regions.ts';
import { readEndpoint, showEndpoint, writeEndpoint, type Endpoint } from './endpoint.ts';
import type { ListenSettings, Sockets } from './sockets.ts';

const EAGAIN = -11;
/** A call for each send beats an operation while so few operations complete together; with more, one call for all of them does. Measured: at 1 and 32 connections. */
const FEW = 2;
/** A loop of awaited sends gives the event loop a turn after so many. */
const SENDS_A_TURN = 64;

export class RingSockets implements Sockets {
  readonly #addon: NativeAddon;
  readonly #ring: number;
  readonly #regions: Regions;
  #sends = SENDS_A_TURN;
  #closed = false;
  readonly #record = new Uint8Array(new SharedArrayBuffer(ADDRESS_BYTES));

  constructor(addon: NativeAddon, ring: number, regions: Regions) {
    this.#regions = regions;
    this.#addon = addon;
    this.#ring = ring;
  }

  /** What the kernel takes as an address: how many bytes of `into`. */
  encode(endpoint: Endpoint, into: Uint8Array): number {
    writeEndpoint(endpoint, into);
    return this.#addon.encodeAddress(into);
  }

  // eslint-disable-next-line typescript/require-await -- on node:net it takes a while
  async listen(at: Endpoint, { backlog, reusePort, ipv6Only }: ListenSettings): Promise<number> {
    writeEndpoint(at, this.#record);
    const fd = this.open(at);
    try {
      // As node:net: a server that is started again must not wait until connections of its predecessor are forgotten.
      this.#set(fd, SOCKET_OPTION.reuseAddress, 1);
      if (reusePort) this.#set(fd, SOCKET_OPTION.reusePort, 1);
      if (at.family === 'IPv6') this.#set(fd, SOCKET_OPTION.ipv6Only, ipv6Only ? 1 : 0);
      check(this.#addon.bindSocket(fd, this.#record), 'bind', at);
      check(this.#addon.listenSocket(fd, backlog), 'listen', at);
      return fd;
    } catch (error) {
      this.#addon.closeDescriptor(fd);
      throw error;
    }
  }

  open(to: Endpoint): number {
    if (this.#closed) throw new RingClosedError('ring');
    return check(this.#addon.openSocket(this.#ring, to.family === 'IPv4' ? 4 : 6), 'socket', to);
  }

  /** So many operations have completed together. */
  turned(count: number): void {
    this.#sends = count <= FEW ? SENDS_A_TURN : 0;
  }

  /** The ring is about to be no more: nothing is opened or sent at once from now on. */
  close(): void {
    this.#closed = true;
  }

  trySend(fd: number, view: Uint8Array): number {
    if (this.#sends === 0 || this.#closed) return EAGAIN;
    this.#sends--;
    const { index } = this.#regions.of(view);
    return this.#addon.trySend(this.#ring, fd, index, view.byteOffset, view.byteLength);
  }

  endpointOf(fd: number, peer: boolean): Endpoint | undefined {
    const answer = this.#addon.socketAddress(fd, peer ? 1 : 0, this.#record);
    return answer < 0 ? undefined : readEndpoint(this.#record);
  }

  setNoDelay(fd: number, noDelay: boolean): void {
    this.#set(fd, SOCKET_OPTION.noDelay, noDelay ? 1 : 0);
  }

  setKeepAlive(fd: number, idleSeconds: number): void {
    this.#set(fd, SOCKET_OPTION.keepAliveSeconds, idleSeconds);
  }

  resetOnClose(fd: number): void {
    this.#set(fd, SOCKET_OPTION.reset, 1);
  }

  interrupt(): void {} // all can be cancelled

  #set(fd: number, option: SocketOption, value: number): void {
    check(this.#addon.setSocketOption(fd, option, value), 'setsockopt');
  }
}

function check(result: number, syscall: string, endpoint?: Endpoint): number {
  if (result >= 0) return result;
  throw new OperationError(errnoName(-result), result, syscall, endpoint && { path: showEndpoint(endpoint) });
}
