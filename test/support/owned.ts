/** Tensors and modules that a test leaves to `disposeOwned`. */

const owned: { dispose(): void }[] = [];

/** Notes `item` for `disposeOwned`. */
export function own<T extends { dispose(): void }>(item: T): T {
  owned.push(item);
  return item;
}

export function disposeOwned(): void {
  for (const item of owned.splice(0)) item.dispose();
}
