/** Figures as pairs of bars, all to one scale. */

import type { LayerFigures } from './messages.ts';

export function drawBars(list: HTMLElement, all: readonly LayerFigures[]): void {
  const most = Math.max(...all.flatMap(({ upconv, onnxruntime }) => [upconv, onnxruntime]));
  list.replaceChildren(
    ...all.map(({ name, model, upconv, onnxruntime }) => {
      const item = document.createElement('li');
      item.dataset.layer = name;
      const title = document.createElement('div');
      title.textContent = `${name}, ${model}: ${(upconv / onnxruntime).toFixed(1)} times as fast`;
      item.append(title, bar('upconv', upconv, most), bar('onnxruntime-web', onnxruntime, most));
      return item;
    }),
  );
  list.querySelectorAll('li > .bar:nth-child(2)').forEach((one) => one.classList.add('ours'));
}

function bar(name: string, gflops: number, most: number): HTMLElement {
  const row = document.createElement('div');
  row.className = 'bar';
  const length = document.createElement('span');
  length.style.setProperty('--share', String(gflops / most));
  length.textContent = `${gflops.toFixed(1)} GFLOP/s`;
  row.append(name, length);
  return row;
}
