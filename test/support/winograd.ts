/** Which geometries the path with transforms takes, by its definition. */

type PerAxis = number | readonly number[] | undefined;

const at = (values: PerAxis, axis: number): number =>
  typeof values === 'number' ? values : (values?.[axis] ?? values?.[0] ?? 1);

export function takesWinograd(kernel: readonly number[], stride?: PerAxis, dilation?: PerAxis): boolean {
  const shifts = kernel.map((length, axis) => Math.floor(((length - 1) * at(dilation, axis)) / at(stride, axis)));
  return shifts.every((shift) => shift <= 2) && shifts.at(-1)! > 0;
}
