import { Fifo } from './fifo.ts';

/** Promises of one worker, settled in the order in which they were made. */
export class Waiting {
  readonly #resolvers = new Fifo<PromiseWithResolvers<unknown>>();

  add<Result>(): Promise<Result> {
    const resolvers = Promise.withResolvers<unknown>();
    this.#resolvers.push(resolvers);
    return resolvers.promise as Promise<Result>;
  }

  settle(value: unknown): void {
    const resolvers = this.#resolvers.shift();
    if (resolvers === undefined) throw new Error('a result that nobody waits for');
    resolvers.resolve(value);
  }

  /** Those that are left. */
  reject(reason: Error): void {
    let resolvers;
    while ((resolvers = this.#resolvers.shift()) !== undefined) resolvers.reject(reason);
  }
}
