/** The tab that measures this browser. */

import { button, element, notify, text } from '../elements.ts';
import { drawBars } from './bars.ts';
import type { LayerFigures, SpeedMessage } from './messages.ts';

/** Wires the tab's controls; nothing is measured, and onnxruntime-web not loaded, before a visitor asks for it. */
export function openSpeedPanel(): void {
  const progress = element('speed-progress', HTMLProgressElement);
  let worker: Worker | null = null;
  let figures: LayerFigures[] = [];

  function end(status: string): void {
    worker?.terminate();
    worker = null;
    button('measure').disabled = false;
    button('stop').disabled = true;
    text('speed-status').textContent = status;
  }

  function fail(message: string): void {
    end('Ended by an error.');
    notify('speed-problem', message);
  }

  function hear(message: SpeedMessage): void {
    switch (message.kind) {
      case 'begin':
        progress.max = message.layers;
        text('speed-status').textContent = 'Measuring…';
        text('speed-versions').textContent = `${message.upconv}; ${message.onnxruntime}; one thread each`;
        break;
      case 'layer':
        figures.push(message.figures);
        progress.value = figures.length;
        drawBars(text('bars'), figures);
        break;
      case 'end':
        end(`Measured ${figures.length} layers.`);
        break;
      case 'failure':
        fail(message.message);
        break;
    }
  }

  element('speed-controls', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    if (worker !== null) return;
    figures = [];
    text('bars').replaceChildren();
    notify('speed-problem', null);
    progress.value = 0;
    button('measure').disabled = true;
    button('stop').disabled = false;
    text('speed-status').textContent = 'Loading onnxruntime-web…';
    worker = new Worker('/speed.js', { type: 'module' });
    worker.addEventListener('message', (event: MessageEvent<SpeedMessage>) => hear(event.data));
    worker.addEventListener('error', (event) => fail(event.message || 'The worker that measures did not start.'));
  });
  button('stop').addEventListener('click', () => end(`Stopped after ${figures.length} layers.`));
}
