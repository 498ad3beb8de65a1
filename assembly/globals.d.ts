/** Names that the compiler is told; see asconfig.json. */

declare class Variant {
  /** Made for vectors of 256 bits. */
  static readonly wide: bool;
}
