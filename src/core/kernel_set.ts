/** Instructions that micro-kernels may use: decides tiles and the rounding of multiply-add. */
export type KernelSet = 'simd' | 'relaxed';
