/** A contiguous, row-major tensor of the reference: nothing but numbers in float64. */
export interface RefTensor {
  shape: number[];
  data: Float64Array;
}

/**
 * A tensor whose elements are sums of products, with what an error bound needs per element:
 * `magnitude`, the sum of the absolute products, and `terms`, how many there are.
 * A bias counts as one product.
 */
export interface Sums extends RefTensor {
  magnitude: Float64Array;
  terms: Float64Array;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  }
  return strides;
}

/** Every coordinate of `shape`, last axis fastest. */
export function* coordinatesOf(shape: readonly number[]): Generator<number[]> {
  for (let index = 0; index < elementCount(shape); index++) {
    let rest = index;
    const coordinate = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      coordinate[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    yield coordinate;
  }
}

export function refTensor(shape: readonly number[], data: ArrayLike<number>): RefTensor {
  if (data.length !== elementCount(shape)) {
    throw new Error(`a reference tensor of shape [${shape.join(', ')}] got ${data.length} elements`);
  }
  return { shape: [...shape], data: Float64Array.from(data) };
}

export function emptySums(shape: readonly number[]): Sums {
  const count = elementCount(shape);
  return {
    shape: [...shape],
    data: new Float64Array(count),
    magnitude: new Float64Array(count),
    terms: new Float64Array(count),
  };
}

/** Adds one product to element `index`. */
export function addTerm(sums: Sums, index: number, product: number): void {
  sums.data[index] = sums.data[index] + product;
  sums.magnitude[index] = sums.magnitude[index] + Math.abs(product);
  sums.terms[index] = sums.terms[index] + 1;
}

export function reshaped<T extends RefTensor>(tensor: T, shape: readonly number[]): T {
  return { ...tensor, shape: [...shape] };
}
