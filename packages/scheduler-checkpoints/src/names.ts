// Names of what is put into a file: none that it has already.

export interface Names {
  /** Checkpoints that are left until the next look. Of the module. */
  readonly left: string;
  /** Looks. Of the module. */
  readonly look: string;
  /** What it found the runtime to be. Of the module. */
  readonly runtime: string;
  /** Turns of a loop. */
  readonly turns: string;
  /** Where a loop that counts stops for a look. */
  readonly stop: string;
  /** Label of a loop. */
  readonly loop: string;
}

export function unusedNames(code: string): Names {
  let prefix = '$checkpoint';
  for (let i = 2; code.includes(prefix); i++) prefix = `$checkpoint${i}`;
  return {
    left: `${prefix}sLeft`,
    look: `${prefix}Look`,
    runtime: `${prefix}Runtime`,
    turns: `${prefix}Turns`,
    stop: `${prefix}Stop`,
    loop: `${prefix}Loop`,
  };
}
