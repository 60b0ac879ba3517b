/** What every error of the gateway is: a `code` to switch on and a message with what was found and what was expected. */
export class DemoError extends Error {
  override readonly name: string = 'DemoError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An option outside its range, or a flag that there is none of. The command line answers it with exit code 2. */
export class UsageError extends DemoError {
  override readonly name = 'UsageError';

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_USAGE', message, options);
  }
}

/** A setting of the gateway that will not do. */
export class SettingError extends DemoError {
  override readonly name = 'SettingError';

  constructor(setting: string, found: unknown, expected: string, options?: ErrorOptions) {
    super('ERR_SETTING', `${setting} is ${shown(found)}, expected ${expected}`, options);
  }
}

/** A failure script that the upstream cannot play. */
export class ScheduleError extends DemoError {
  override readonly name = 'ScheduleError';

  constructor(field: string, found: unknown, expected: string) {
    super('ERR_SCHEDULE', `${field} is ${JSON.stringify(found)}, expected ${expected}`);
  }
}

/** A process or thread of the demo that did not start, or ended when it should not have. */
export class PartError extends DemoError {
  override readonly name = 'PartError';

  constructor(part: string, what: string, options?: ErrorOptions) {
    super('ERR_PART', `${part}: ${what}`, options);
  }
}

/** JSON where it says something: it has no way to write NaN, Infinity, undefined or a function. */
function shown(found: unknown): string {
  const text = typeof found === 'number' ? String(found) : JSON.stringify(found);
  return text ?? String(found);
}
