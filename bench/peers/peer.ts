/** Another library, computing the same layer. */
export interface Peer {
  /** Numbers in, numbers out, as its users call it. */
  call(): Promise<Float32Array>;
  release(): Promise<void>;
}
