/** The word of an exchange between two threads. It counts hand-offs: the thread's turn is while it is odd, and it ends where the word is below 0. */
export const TURN = 0;
export const END = -1;
