/** Loss by step while training runs. */

import UPlot from 'uplot';

/** So many points over a whole run, each the mean of the steps between. */
const POINTS = 200;
/** Points that the running mean looks back on: crops differ more from each other than learning changes in a few steps. */
const MEMORY = 20;
const HEIGHT = 200;

export class LossPlot {
  readonly #plot: UPlot;
  #steps: number[] = [];
  #losses: number[] = [];
  #means: number[] = [];
  #total = 1;
  #perPoint = 1;
  #sum = 0;
  #drawing = false;

  constructor(container: HTMLElement) {
    // read at each drawing: colours change with the visitor's theme
    const colour = (name: string) => (): string => getComputedStyle(container).getPropertyValue(name);
    const lines = { stroke: colour('--line'), width: 1 };
    const axis = { stroke: colour('color'), grid: lines, ticks: lines };
    this.#plot = new UPlot(
      {
        width: container.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: () => [0, this.#total] }, y: { distr: 3 } },
        axes: [
          { ...axis, size: 32 },
          { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => exponential(tick)) },
        ],
        series: [
          {},
          { stroke: colour('color'), alpha: 0.4, width: 1, points: { show: false } },
          { stroke: colour('--accent'), width: 2.5, points: { show: false } },
        ],
      },
      [[], [], []],
      container,
    );
    new ResizeObserver(() => this.#plot.setSize({ width: container.clientWidth, height: HEIGHT })).observe(container);
  }

  /** Empties the plot for a run of `steps`. */
  start(steps: number): void {
    [this.#steps, this.#losses, this.#means] = [[], [], []];
    this.#sum = 0;
    this.#total = steps;
    this.#perPoint = Math.ceil(steps / POINTS);
    this.#draw();
  }

  /** @param step steps done, with this one */
  add(step: number, loss: number): void {
    this.#sum += loss;
    if (step % this.#perPoint !== 0) return;
    const value = this.#sum / this.#perPoint;
    const weight = 1 / Math.min(MEMORY, this.#steps.length + 1); // a plain mean at first
    const mean = this.#means.at(-1) ?? value;
    this.#steps.push(step);
    this.#losses.push(value);
    this.#means.push(mean + weight * (value - mean));
    this.#sum = 0;
    this.#draw();
  }

  /** At most once a frame. */
  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#plot.setData([this.#steps, this.#losses, this.#means]);
    });
  }
}

/** What a logarithmic axis labels; the ticks between are null. */
function exponential(tick: number | null): string {
  return tick === null ? '' : tick.toExponential(0).replace('-', '−');
}
