/** Where the published figures of this suite are from. */
export const REFERENCE = 'Tokio-Pulse (Rust, another machine)';
