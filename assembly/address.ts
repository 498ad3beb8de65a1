/** Addresses as V8 likes them in loops: see "Instructions around the multiply-adds" in ARCHITECTURE.md. */

export class address {
  /**
   * The pointer, a multiple of four. V8 extends one that is a parameter to 64 bits in each step of a loop; of the result
   * of an instruction it knows that it is.
   */
  @inline static extended(ptr: usize): usize {
    return ptr & ~3;
  }

  /**
   * Loads at every offset of a row of six elements, of which `ptr` can be read. V8 adds the offset of a splat to the
   * start of memory: one instruction more for each element in each step of a loop, unless the sum is there already.
   */
  @inline static addOffsets(ptr: usize): void {
    v128.load32_splat(ptr, 4);
    v128.load32_splat(ptr, 8);
    v128.load32_splat(ptr, 12);
    v128.load32_splat(ptr, 16);
    v128.load32_splat(ptr, 20);
  }
}
