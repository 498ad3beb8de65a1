/**
 * Transforms as tables of sums, where a table costs no time: for each result, how many bytes of terms, then (bytes to
 * a number, factor) of each. Written by src/plan/winograd_terms.ts.
 */

export class terms {
  /** Where the terms of the next result begin. */
  @inline static end(termPtr: usize): usize {
    return termPtr + 4 + load<i32>(termPtr);
  }

  /** One result of four numbers each, the first ones at `ptr`. @param end of its terms */
  @inline static sum(termPtr: usize, end: usize, ptr: usize): v128 {
    let sum = f32x4.splat(0);
    for (let term = termPtr + 4; term < end; term += 8) {
      sum = f32x4.add(sum, f32x4.mul(v128.load(ptr + load<i32>(term)), terms.factor(term)));
    }
    return sum;
  }

  @inline static factor(term: usize): v128 {
    return v128.load_splat<f32>(term, 4);
  }
}
