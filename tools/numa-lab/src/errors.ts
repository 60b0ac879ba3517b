/** Why the lab could not do its work; a failed test in a machine is no error but a verdict. */
export type LabErrorCode =
  /** The command line is not one. Exit code 2. */
  | 'ERR_LAB_USAGE'
  /** This computer can't run the lab: not Linux, no apt, no dpkg-deb, no npm. */
  | 'ERR_LAB_HOST'
  /** A Debian package can't be had. */
  | 'ERR_LAB_PACKAGE'
  /** Something of this repository that goes into the machine is not built. */
  | 'ERR_LAB_NOT_BUILT'
  /** The machine's program wrote what is no event. */
  | 'ERR_LAB_PROTOCOL'
  /** The machine did not come to its end: panic, time-out, emulator refused. */
  | 'ERR_LAB_MACHINE';

export class LabError extends Error {
  override readonly name = 'LabError';
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
