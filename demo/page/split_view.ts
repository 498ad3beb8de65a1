/** Two pictures of one size in one place, with a divider between them, zoom and pan. */

/** A picture and its name. */
export interface Side {
  readonly name: string;
  readonly raster: OffscreenCanvas;
}

/** Pointers this near to the divider move it, elsewhere they move the picture. */
const GRIP = 28;
/** Part of the view that an arrow key moves the picture by. */
const KEY_STEP = 0.125;

export class SplitView {
  readonly #canvas: HTMLCanvasElement;
  readonly #divider: HTMLInputElement;
  #sides: readonly [Side, Side] | null = null;
  #zoom = 1;
  /** Centre of the view, as parts of the picture. */
  #centre = { x: 0.5, y: 0.5 };

  /** @param divider a range from 0 to 100, which keyboards move */
  constructor(canvas: HTMLCanvasElement, divider: HTMLInputElement) {
    this.#canvas = canvas;
    this.#divider = divider;
    divider.addEventListener('input', () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe(canvas);
    canvas.addEventListener('pointerdown', (event) => this.#drag(event));
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  show(left: Side, right: Side): void {
    this.#sides = [left, right];
    this.#canvas.style.aspectRatio = `${left.raster.width} / ${left.raster.height}`;
    this.#draw();
  }

  /** @param zoom 1 shows the whole picture */
  set zoom(zoom: number) {
    this.#zoom = zoom;
    // a finger scrolls the page where there is nothing to pan
    this.#canvas.style.touchAction = zoom === 1 ? 'pan-y' : 'none';
    this.#canvas.classList.toggle('zoomed', zoom > 1);
    this.#pan(0, 0);
  }

  /** Moves the picture by parts of the view. */
  #pan(x: number, y: number): void {
    const half = 0.5 / this.#zoom;
    const inside = (at: number): number => Math.min(1 - half, Math.max(half, at));
    this.#centre = { x: inside(this.#centre.x - x / this.#zoom), y: inside(this.#centre.y - y / this.#zoom) };
    this.#draw();
  }

  #drag(down: PointerEvent): void {
    const canvas = this.#canvas;
    const box = canvas.getBoundingClientRect();
    const dividerX = box.left + (this.#divider.valueAsNumber / 100) * box.width;
    const moves = this.#zoom === 1 || Math.abs(down.clientX - dividerX) <= GRIP;
    let last = down;
    const follow = (event: PointerEvent): void => {
      if (moves) this.#divider.value = String((100 * (event.clientX - box.left)) / box.width);
      else this.#pan((event.clientX - last.clientX) / box.width, (event.clientY - last.clientY) / box.height);
      last = event;
      this.#draw();
    };
    canvas.setPointerCapture(down.pointerId);
    follow(down);
    const ended = new AbortController();
    canvas.addEventListener('pointermove', follow, { signal: ended.signal });
    for (const end of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(end, () => ended.abort(), { signal: ended.signal });
    }
  }

  #key(event: KeyboardEvent): void {
    const move = {
      ArrowLeft: [KEY_STEP, 0],
      ArrowRight: [-KEY_STEP, 0],
      ArrowUp: [0, KEY_STEP],
      ArrowDown: [0, -KEY_STEP],
    }[event.key];
    if (move === undefined || this.#zoom === 1) return;
    event.preventDefault();
    this.#pan(move[0], move[1]);
  }

  #draw(): void {
    const canvas = this.#canvas;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
    if (this.#sides === null) return;
    const { width, height } = canvas;
    const context = canvas.getContext('2d')!;
    const at = Math.round((this.#divider.valueAsNumber / 100) * width);
    for (const [i, { name, raster }] of this.#sides.entries()) {
      const [begin, end] = i === 0 ? [0, at] : [at, width];
      const seen = { width: raster.width / this.#zoom, height: raster.height / this.#zoom };
      const left = this.#centre.x * raster.width - seen.width / 2;
      const top = this.#centre.y * raster.height - seen.height / 2;
      context.save();
      context.beginPath();
      context.rect(begin, 0, end - begin, height);
      context.clip();
      // single pixels are what is compared; a picture shown smaller than it is needs smoothing
      context.imageSmoothingEnabled = seen.width > width;
      context.drawImage(raster, left, top, seen.width, seen.height, 0, 0, width, height);
      drawName(context, name, i === 0 ? 'left' : 'right', width);
      context.restore();
    }
    context.fillStyle = 'white';
    context.fillRect(at - devicePixelRatio, 0, 2 * devicePixelRatio, height);
  }
}

function drawName(context: CanvasRenderingContext2D, name: string, side: 'left' | 'right', width: number): void {
  const unit = devicePixelRatio;
  context.font = `600 ${13 * unit}px system-ui, sans-serif`;
  const box = context.measureText(name).width + 16 * unit;
  const x = side === 'left' ? 8 * unit : width - box - 8 * unit;
  context.fillStyle = 'rgb(0 0 0 / 65%)';
  context.fillRect(x, 8 * unit, box, 24 * unit);
  context.fillStyle = 'white';
  context.fillText(name, x + 8 * unit, 24.5 * unit);
}
