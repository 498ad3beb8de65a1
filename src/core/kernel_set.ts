/**
 * What micro-kernels are made for: decides tiles and the rounding of multiply-add. 'wide' has the instructions of
 * 'relaxed', in neighbouring pairs that V8's re-vectoriser joins to 256 bits.
 */
export type KernelSet = 'simd' | 'relaxed' | 'wide';
