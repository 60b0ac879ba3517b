import type { Endpoint } from './endpoint.ts';

/** Told the result (>= 0) or -errno. */
export type Settle = (result: number) => void;

export interface ListenSettings {
  readonly backlog: number;
  readonly reusePort: boolean;
  readonly ipv6Only: boolean;
}

/** What sockets need of an engine besides operations. A descriptor is one of the process, or a number that only this engine knows. */
export interface Sockets {
  /** A descriptor that listens. Rejects with OperationError. */
  listen(at: Endpoint, settings: ListenSettings): Promise<number>;
  /** A descriptor to connect to such an address. @throws OperationError */
  open(to: Endpoint): number;
  /** Sends what can be sent at once, where that is cheaper than an operation: how many bytes; -EAGAIN: an operation is to be started; or -errno. */
  trySend(fd: number, view: Uint8Array): number;
  /** Its own address, or its peer's; `undefined` where it has none, or none any more. */
  endpointOf(fd: number, peer: boolean): Endpoint | undefined;
  /** @throws OperationError */
  setNoDelay(fd: number, noDelay: boolean): void;
  /** 0: off. @throws OperationError */
  setKeepAlive(fd: number, idleSeconds: number): void;
  /** Closing is to send a reset, and to drop what was not sent. @throws OperationError */
  resetOnClose(fd: number): void;
  /** Ends operations that the engine cannot cancel. */
  interrupt(fd: number): void;
}
