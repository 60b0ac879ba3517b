// By whom the bytes of a tag are counted. A file of its own: errors name it, and are used without the kernel.

/**
 * Whom the bytes of a tag are counted by. `shared`: by all workers in one word; any thread frees what any other has allocated.
 * `worker`: by each worker; a thread frees what it has allocated itself, and pays no atomic access for it.
 */
export type TagScope = 'shared' | 'worker';
