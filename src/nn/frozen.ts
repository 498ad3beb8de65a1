/** Freezing modules: all of them or none. */

/** Weights that were packed: the raw ones go, or the packed ones when another module failed. */
export interface Frozen {
  readonly commit: () => void;
  readonly abandon: () => void;
}

/**
 * Packs with every function, then frees what was packed from.
 * @throws what one of them throws; nothing has changed then
 */
export function freezeAll(packs: readonly (() => Frozen | null)[]): void {
  const frozen: Frozen[] = [];
  try {
    for (const pack of packs) {
      const own = pack();
      if (own !== null) frozen.push(own);
    }
  } catch (error) {
    for (const { abandon } of frozen) abandon();
    throw error;
  }
  for (const { commit } of frozen) commit();
}
