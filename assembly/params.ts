/**
 * Parameter blocks: every stage entry gets the address of one of these and reads its numbers there.
 * The twin of src/memory/params.ts: a test compares the two field by field.
 *
 * Lengths and strides count elements, `…Ptr` are addresses, 0 is "absent".
 */

/** A copy between two strided layouts; axes 0 … 3 are the items, 4 and 5 are loops. */
@unmanaged
export class CopyParams {
  sourcePtr: usize;
  targetPtr: usize;
  length0: i32;
  length1: i32;
  length2: i32;
  length3: i32;
  length4: i32;
  length5: i32;
  sourceStride0: i32;
  sourceStride1: i32;
  sourceStride2: i32;
  sourceStride3: i32;
  sourceStride4: i32;
  sourceStride5: i32;
  targetStride0: i32;
  targetStride1: i32;
  targetStride2: i32;
  targetStride3: i32;
  targetStride4: i32;
  targetStride5: i32;
}
