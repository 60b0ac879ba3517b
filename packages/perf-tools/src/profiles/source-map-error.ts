// Why a script's frames stay as they are.

export type SourceMapProblemKind =
  /** The script of the profile is not, or no longer, where it was. */
  | 'missing-script'
  /** It names a map that is not there. */
  | 'missing-map'
  /** It names a map that is no file of this machine. Nothing is fetched. */
  | 'unreachable-map'
  /** What is there is no source map. */
  | 'broken-map'
  /** The script or its map is larger than may be read. */
  | 'too-large';

/** Within this folder: callers get a `SourceMapProblem`. */
export class SourceMapError extends Error {
  readonly kind: SourceMapProblemKind;

  constructor(kind: SourceMapProblemKind, message: string) {
    super(message);
    this.kind = kind;
  }
}
