/** Numbers as the tables show them. What was not measured is a dash. */

import type { Timing } from '../../src/cli/benchmark/interleave.ts';

export const DASH = '–';

export function decimals(value: number | undefined, digits: number): string {
  return value === undefined || !Number.isFinite(value) ? DASH : value.toFixed(digits);
}

export function gflops(value: number | undefined): string {
  return decimals(value, value !== undefined && value < 1 ? 2 : 1);
}

/** A ratio below 1 is a loss, and bold. */
export function ratio(value: number | undefined): string {
  const shown = decimals(value, 2);
  return value !== undefined && value < 1 ? `**${shown}**` : shown;
}

export function percent(share: number | undefined): string {
  return share === undefined ? DASH : `${(100 * share).toFixed(0)} %`;
}

export const MEBIBYTE = 2 ** 20;

export function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(2);
}

export function milliseconds(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}

export function timing({ medianMs }: Timing): string {
  return milliseconds(medianMs);
}
