/** The table of figures and the choice of pictures to compare. */

import type { Lesson, Method } from './lesson.ts';
import type { Side } from './split_view.ts';

/** What can be looked at, in the order of the table. */
export type View = Method | 'original';

const METHODS = ['nearest', 'bilinear', 'bicubic', 'learned'] as const satisfies readonly Method[];
const VIEWS = [...METHODS, 'original'] as const satisfies readonly View[];

/** Fills a table body: one row per method, the best one marked. */
export function showScores(body: HTMLTableSectionElement, { results }: Lesson): void {
  const bicubic = results.get('bicubic')!.decibels;
  const best = Math.max(...[...results.values()].map(({ decibels }) => decibels));
  const rows = METHODS.map((method) => {
    const row = document.createElement('tr');
    row.dataset.method = method;
    const decibels = results.get(method)?.decibels;
    row.classList.toggle('best', decibels === best);
    const name = document.createElement('th');
    name.scope = 'row';
    name.textContent = method;
    row.append(name);
    row.insertCell().textContent = decibels === undefined ? 'not trained' : `${decibels.toFixed(2)} dB`;
    row.insertCell().textContent = decibels === undefined || method === 'bicubic' ? '' : signed(decibels - bicubic);
    return row;
  });
  body.replaceChildren(...rows);
}

/** Equal pictures have infinite PSNR, and their difference is not a number. */
function signed(decibels: number): string {
  if (!Number.isFinite(decibels)) return '';
  return `${decibels < 0 ? '−' : '+'}${Math.abs(decibels).toFixed(2)} dB`;
}

/** Offers what there is to look at; keeps the choice, or takes `preferred` where it is gone. */
export function offerViews(select: HTMLSelectElement, { results }: Lesson, preferred: View): void {
  const there = VIEWS.filter((view) => view === 'original' || results.has(view));
  const chosen = there.find((view) => view === select.value) ?? preferred;
  select.replaceChildren(...there.map((view) => new Option(view, view, view === chosen, view === chosen)));
}

export function chosenSide(select: HTMLSelectElement, { original, results }: Lesson): Side {
  const name = select.value as View;
  return { name, raster: name === 'original' ? original : results.get(name)!.raster };
}
