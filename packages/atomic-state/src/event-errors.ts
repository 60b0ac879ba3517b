import { AtomicStateError } from './errors.ts';

/** All places for producers and consumers are taken: one that was not disposed of keeps its own. */
export class EventRolesExhaustedError extends AtomicStateError {
  override readonly name = 'EventRolesExhaustedError';
  readonly roles: number;

  constructor(roles: number) {
    super(
      'ERR_EVENT_ROLES_EXHAUSTED',
      `all ${roles} places for producers and consumers are taken, expected fewer: dispose of them, reclaim ended threads, or create with more roles`,
    );
    this.roles = roles;
  }
}

/** A producer or consumer that was disposed of, or is used from within its own handler. */
export class EventRoleError extends AtomicStateError {
  override readonly name = 'EventRoleError';
}

/** Somebody reclaimed this thread, which lives: what its producer or consumer held was given up meanwhile. */
export class EventReclaimedError extends AtomicStateError {
  override readonly name = 'EventReclaimedError';

  constructor(role: 'producer' | 'consumer', threadId: number) {
    super(
      'ERR_EVENT_RECLAIMED',
      `the ${role} of thread ${threadId} was reclaimed, expected nobody to reclaim(${threadId}) while that thread lives`,
    );
  }
}
