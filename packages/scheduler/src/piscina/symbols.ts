// Names by which values, tasks and threads tell what they are. All but the last two are piscina's own, so that objects made for it are understood here.

/** Of an object: what of it is to be transferred, an object or an array of them. */
export const transferableSymbol: unique symbol = Symbol.for('Piscina.transferable') as never;
/** Of such an object: what stands for it on the other side. */
export const valueSymbol: unique symbol = Symbol.for('Piscina.valueOf') as never;
/** Of a task's argument: options for a task queue. */
export const queueOptionsSymbol: unique symbol = Symbol.for('Piscina.queueOptions') as never;
/** Set by `move`. For all copies of this package on a thread. */
export const movable: unique symbol = Symbol.for('@corelane/scheduler/movable') as never;
/** Of `globalThis` in a worker of a pool: a module may be there twice, required by one and imported by another. */
export const threadSymbol: unique symbol = Symbol.for('@corelane/scheduler/piscina-thread') as never;
