/** Zeroes. */

/** `rows` x `columns` elements of `elementBytes` (4 or 8); steps are in bytes. */
export function fillZero(
  ptr: usize,
  rows: i32,
  rowStep: usize,
  columns: i32,
  columnStep: usize,
  elementBytes: i32,
): void {
  for (; rows > 0; rows--) {
    let at = ptr;
    for (let c = columns; c > 0; c--) {
      if (elementBytes == 8) store<f64>(at, 0);
      else store<f32>(at, 0);
      at += columnStep;
    }
    ptr += rowStep;
  }
}
