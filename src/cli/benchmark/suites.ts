/** Which layers `upconv bench` times, and for how long. */

import { readFileSync } from 'node:fs';
import { CliError } from '../errors.ts';
import type { Layer } from './layer.ts';
import { QUICK_LAYERS } from './quick_layers.ts';

export const SUITES = ['quick', 'full'] as const;
export type SuiteName = (typeof SUITES)[number];

export interface Suite {
  readonly layers: readonly Layer[];
  /** Time per layer; what takes longer is called a few times nevertheless. */
  readonly budgetMs: number;
}

const QUICK_BUDGET_MS = 1200;
const FULL_BUDGET_MS = 1500;

/**
 * @param layersFile the list of all layers, a file of the package
 * @param names beginnings of names: only those layers; undefined: all of the suite
 * @throws {CliError} when a name fits no layer of the suite
 */
export function loadSuite(suite: SuiteName, layersFile: URL, names?: readonly string[]): Suite {
  const all = JSON.parse(readFileSync(layersFile, 'utf8')) as Layer[];
  const layers = suite === 'full' ? all : all.filter(({ name }) => QUICK_LAYERS.has(name));
  const budgetMs = suite === 'full' ? FULL_BUDGET_MS : QUICK_BUDGET_MS;
  if (names === undefined) return { layers, budgetMs };
  const unknown = names.find((start) => !layers.some(({ name }) => name.startsWith(start)));
  if (unknown !== undefined) throw new CliError(`--layers: no layer of the ${suite} suite is called '${unknown}…'`);
  return { layers: layers.filter(({ name }) => names.some((start) => name.startsWith(start))), budgetMs };
}
