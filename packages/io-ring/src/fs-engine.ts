/**
 * The engine on node:fs, where there is no io_uring: the same operations on libuv's pool of threads. What a thread has begun cannot be cancelled;
 * the operation then completes with its result.
 */
import fs from 'node:fs';
import os from 'node:os';
import type { Backend, Engine, Registration } from './engine.ts';
import { fromStats } from './file-status.ts';
import { CURRENT_POSITION, OP, SYMLINK_NOFOLLOW } from './layout.ts';
import { bytesOf, type Operation } from './operation.ts';
import { NetSockets } from './socket/net-sockets.ts';

const { ECANCELED, EOPNOTSUPP, EIO } = os.constants.errno;
/** IORING_FSYNC_DATASYNC. */
const DATA_ONLY = 1;

type Callback = (error: NodeJS.ErrnoException | null, result?: number) => void;

export class FsEngine implements Engine {
  readonly backend: Backend;
  readonly capacity: number;
  readonly sockets = new NetSockets();
  onRoom: () => void = () => {};
  #inFlight = 0;
  #closing = false;
  #ids = 0;
  #idle: (() => void) | null = null;

  constructor(capacity: number, reason: string) {
    this.capacity = capacity;
    this.backend = { kind: 'fs', reason };
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get longestChain(): number {
    return this.capacity;
  }

  roomFor(count: number): boolean {
    return this.#inFlight + count <= this.capacity;
  }

  start(operation: Operation): void {
    const { steps } = operation;
    if (steps === null) {
      this.#enter(operation);
      const settle = (result: number): void => this.#complete(operation, result);
      if (!this.sockets.start(operation, settle)) this.#run(operation, settle);
      return;
    }
    operation.id = 0; // in flight
    for (const step of steps) this.#enter(step);
    this.#runStep(operation, 0);
  }

  operations(): Operation[] {
    return [];
  }

  cancel(operation: Operation): void {
    operation.cancelled = true; // a thread that has begun cannot be told
    this.sockets.cancel(operation);
  }

  addFile(): number {
    return -1;
  }

  removeFile(): void {}

  closeDescriptor(fd: number): Promise<number> {
    if (this.sockets.has(fd)) return this.sockets.close(fd);
    return new Promise((resolve) => {
      fs.close(fd, (error) => resolve(error === null ? 0 : (error?.errno ?? -EIO)));
    });
  }

  register(): Registration {
    return { fixed: false, reason: 'node:fs has no registered memory' };
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.sockets.cancelAll();
    if (this.#inFlight > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
  }

  #enter(operation: Operation): void {
    this.#inFlight++;
    operation.id = this.#ids = (this.#ids + 1) & 0x7fffffff;
  }

  /** One after the other; those behind the first that fails, falls short or finds the chain cancelled are cancelled. */
  #runStep(chain: Operation, index: number): void {
    const steps = chain.steps ?? [];
    const step = steps[index];
    if (step === undefined) return;
    this.#run(step, (result) => {
      if (this.#closing) chain.cancelled = true;
      this.#complete(step, result);
      if (!chain.cancelled && result >= bytesOf(step)) this.#runStep(chain, index + 1);
      else for (const rest of steps.slice(index + 1)) this.#complete(rest, -ECANCELED);
    });
  }

  #complete(operation: Operation, result: number): void {
    operation.id = -1;
    this.#inFlight--;
    operation.completion?.completed(operation, result);
    if (this.#inFlight === 0) this.#idle?.();
    this.onRoom();
  }

  #run(operation: Operation, settle: (result: number) => void): void {
    const done: Callback = (error, result = 0) => settle(error === null ? result : (error.errno ?? -EIO));
    const { fd, view, vectors } = operation;
    const position = operation.position === CURRENT_POSITION ? null : operation.position;
    try {
      switch (operation.opcode) {
        case OP.read:
          fs.read(fd, view as Uint8Array, 0, (view as Uint8Array).byteLength, position, done);
          return;
        case OP.write:
          fs.write(fd, view as Uint8Array, 0, (view as Uint8Array).byteLength, position, done);
          return;
        case OP.readv:
          fs.readv(fd, vectors ?? [], position, done);
          return;
        case OP.writev:
          fs.writev(fd, vectors ?? [], position, done);
          return;
        case OP.fsync:
          (operation.flags & DATA_ONLY ? fs.fdatasync : fs.fsync)(fd, done);
          return;
        case OP.openat:
          fs.open(operation.path, operation.flags, operation.mode, done);
          return;
        case OP.close:
          fs.close(fd, done);
          return;
        case OP.statx: {
          const found = (error: NodeJS.ErrnoException | null, stats?: fs.BigIntStats): void => {
            if (stats !== undefined) operation.status = fromStats(stats);
            done(error, 0);
          };
          if (operation.path === '') fs.fstat(fd, { bigint: true }, found);
          else if (operation.flags & SYMLINK_NOFOLLOW) fs.lstat(operation.path, { bigint: true }, found);
          else fs.stat(operation.path, { bigint: true }, found);
          return;
        }
        case OP.accept:
        case OP.connect:
        case OP.send:
        case OP.recv:
        case OP.shutdown:
          setImmediate(settle, -os.constants.errno.ENOTSOCK); // a descriptor that no socket of node:net has
          return;
        case OP.ftruncate:
          fs.ftruncate(fd, operation.position, done);
          return;
        case OP.fadvise:
        case OP.chain: // never run by itself
        case OP.fallocate:
          setImmediate(settle, -EOPNOTSUPP); // node:fs has no calls for these
      }
    } catch (error) {
      // Arguments that node:fs itself refuses, such as a descriptor that is negative.
      const { errno } = error as NodeJS.ErrnoException;
      setImmediate(settle, typeof errno === 'number' ? errno : -os.constants.errno.EBADF);
    }
  }
}
