/** Promises of one worker, settled in the order in which they were made, in memory that is used again. */
export class Waiting {
  readonly #resolvers: PromiseWithResolvers<unknown>[] = [];
  #first = 0;

  add<Result>(): Promise<Result> {
    const resolvers = Promise.withResolvers<unknown>();
    this.#resolvers.push(resolvers);
    return resolvers.promise as Promise<Result>;
  }

  settle(value: unknown): void {
    const resolvers = this.#resolvers[this.#first++];
    if (resolvers === undefined) throw new Error('a result that nobody waits for');
    if (this.#first === this.#resolvers.length) this.#resolvers.length = this.#first = 0;
    resolvers.resolve(value);
  }

  /** Those that are left. */
  reject(reason: Error): void {
    for (const resolvers of this.#resolvers.splice(0).slice(this.#first)) resolvers.reject(reason);
    this.#first = 0;
  }
}
