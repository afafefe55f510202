/** A mapping file before it was read. */
export interface MappingText {
  readonly text: Uint8Array;
  /** What messages call it: its path. */
  readonly name: string;
}
