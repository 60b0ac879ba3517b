/** Words that the lock guards: all hold the same number, outside of a critical section. */
export const WORDS = 8;
