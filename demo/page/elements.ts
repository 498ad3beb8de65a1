/** What the page is made of, by id. */

/** @throws when the page has no such element */
export function element<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

export const button = (id: string): HTMLButtonElement => element(id, HTMLButtonElement);
export const select = (id: string): HTMLSelectElement => element(id, HTMLSelectElement);
export const input = (id: string): HTMLInputElement => element(id, HTMLInputElement);
export const text = (id: string): HTMLElement => element(id, HTMLElement);

/** Shows a notice, or hides it with null. */
export function notify(id: string, message: string | null): void {
  text(id).hidden = message === null;
  text(id).textContent = message ?? '';
}
