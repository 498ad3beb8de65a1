/** Tiles of the Toom-Cook path, and which geometries have them. See assembly/conv/winograd_tiles.ts. */

import { elementCount } from '../core/shape.ts';
import type { ConvGeometry } from './conv_geometry.ts';
import { axisPhases } from './conv_geometry.ts';

/** Plane elements of a tile along an axis. The twin of `winograd.length`. */
export function tileLength(maxShift: number): number {
  return maxShift > 0 ? 4 - maxShift : 1;
}

/** Products per tile along an axis. */
export function tilePoints(maxShift: number): number {
  return maxShift > 0 ? 4 : 1;
}

/** What `acceptsWinograd` asks for, in words. */
export const WINOGRAD_NEEDS =
  'at most three taps per phase and axis, two or three along the last axis, and at most 256 phases';

/** More make a step of K for each, or a row of C. */
const MOST_PHASES = 256;

/** Taps of a phase, where there are at most as many as tiles take. */
export function acceptsWinograd({ axes }: ConvGeometry): boolean {
  const phases = axes.map((axis) => axisPhases(axis, false));
  const count = elementCount(phases.map(({ residues }) => residues.length));
  return phases.every(({ maxShift }) => maxShift <= 2) && phases[2].maxShift > 0 && count <= MOST_PHASES;
}
