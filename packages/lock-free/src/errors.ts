/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class LockFreeError extends Error {
  readonly code: string;
  override readonly name: string = 'LockFreeError';

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** An index was pushed that is in the stack already: some holder gave it back twice. Nothing was changed. */
export class IndexPresentError extends LockFreeError {
  override readonly name = 'IndexPresentError';
  readonly index: number;

  constructor(index: number) {
    super(
      'ERR_INDEX_PRESENT',
      `index ${index} is in the stack already, expected one that was popped and not yet pushed`,
    );
    this.index = index;
  }
}
