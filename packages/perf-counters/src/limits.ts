/** What a registry can be made with at most. */
export const MAX_SERIES = 1 << 20;
export const MAX_WRITERS = 1024;
export const MAX_METRICS = 1 << 16;

/** Bytes of JSON that a definition may have: name, help, labels, bounds of buckets. */
export const DEFINITION_BYTES = 1024;
/** Bytes of JSON that the label values of a series may have. */
export const SERIES_NAME_BYTES = 256;
