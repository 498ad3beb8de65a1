/**
 * Draws assets/picture.png, the picture `npm start` works on: a still life with a zone plate, a Siemens star, text,
 * wood, cloth, stone, grass and a strip of colours. Everything is a formula evaluated at 4 x 4 points per pixel.
 *
 * Usage: node scripts/draw_picture.ts [file]
 */
import { writeFileSync } from 'node:fs';
import { encodePng } from '../src/cli/image/png.ts';
import { isInText, type TextLine } from './stroke_font.ts';

const WIDTH = 768;
const HEIGHT = 512;
const SAMPLES = 4;

type Colour = readonly [number, number, number];

// --- Noise ---------------------------------------------------------------------------------------------------------

/** Pseudorandom value in [0, 1) of a lattice point. */
function lattice(ix: number, iy: number, layer: number): number {
  let hash = Math.imul(ix, 0x27d4eb2d) ^ Math.imul(iy, 0x165667b1) ^ Math.imul(layer, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}

/** Lattice values joined smoothly, in [0, 1). */
function noise(x: number, y: number, layer: number): number {
  const ix = Math.floor(x);
  const iy = Math.floor(y);
  const u = smooth(x - ix);
  const v = smooth(y - iy);
  const top = mix(lattice(ix, iy, layer), lattice(ix + 1, iy, layer), u);
  const bottom = mix(lattice(ix, iy + 1, layer), lattice(ix + 1, iy + 1, layer), u);
  return mix(top, bottom, v);
}

/** Sum of `octaves` noises, each at twice the frequency and half the amplitude of the one before; about [0, 1]. */
function fractal(x: number, y: number, layer: number, octaves: number): number {
  let sum = 0;
  let amplitude = 0.5;
  let frequency = 1;
  for (let octave = 0; octave < octaves; octave++) {
    sum += amplitude * noise(x * frequency, y * frequency, layer + 31 * octave);
    amplitude *= 0.5;
    frequency *= 2;
  }
  return sum / (1 - 0.5 ** octaves);
}

// --- Small mathematics ---------------------------------------------------------------------------------------------

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

function clamp(t: number, least = 0, most = 1): number {
  return Math.min(most, Math.max(least, t));
}

function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}

/** 0 before `from`, 1 after `to`, smooth between. */
function step(from: number, to: number, t: number): number {
  return smooth(clamp((t - from) / (to - from)));
}

function blend(a: Colour, b: Colour, t: number): Colour {
  return [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)];
}

function times(a: Colour, t: number): Colour {
  return [a[0] * t, a[1] * t, a[2] * t];
}

/** Distance from a point to a rectangle with rounded corners, negative inside. */
function boxDistance(
  x: number,
  y: number,
  cx: number,
  cy: number,
  halfW: number,
  halfH: number,
  radius: number,
): number {
  const dx = Math.abs(x - cx) - halfW + radius;
  const dy = Math.abs(y - cy) - halfH + radius;
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius;
}

// --- Things --------------------------------------------------------------------------------------------------------

const HORIZON = 190;
const TABLE = 268;

function sky(x: number, y: number): Colour {
  const clear = blend([0.36, 0.55, 0.8], [0.93, 0.84, 0.74], clamp(y / HORIZON) ** 1.3);
  const cloud = step(0.5, 0.78, fractal(x / 150, y / 60, 1, 6));
  return blend(clear, [0.98, 0.95, 0.93], 0.75 * cloud);
}

/** Three ridges, the nearer the darker and the rougher. */
function ridges(x: number, y: number, behind: Colour): Colour {
  let colour = behind;
  for (let ridge = 0; ridge < 3; ridge++) {
    const top = 128 + 32 * ridge - 70 * (fractal(x / (170 - 35 * ridge), ridge * 9.7, 40 + ridge, 7) - 0.5);
    if (y < top) continue;
    const rock = 0.55 + 0.9 * fractal(x / 14, (y - top * 0.6) / 9, 50 + ridge, 5);
    const stone: Colour = [0.34 * rock, 0.38 * rock, 0.36 * rock];
    colour = blend([0.68, 0.72, 0.8], stone, 0.3 + 0.3 * ridge);
  }
  return colour;
}

/** Blades: noise stretched upright and bent a little, with patches of dry grass and a far edge in haze. */
function meadow(x: number, y: number): Colour {
  const near = clamp((y - HORIZON) / (TABLE - HORIZON));
  const size = mix(1.8, 5, near);
  const bend = 14 * near * (fractal(x / 40, y / 30, 60, 4) - 0.5);
  const blade = fractal((x - WIDTH / 2 + bend) / size, y / (size * 4.5), 61, 3);
  const patch = fractal(x / 90, y / 22, 62, 5);
  const light = mix(0.8, 0.5 + 0.75 * step(0.2, 0.8, blade), mix(0.5, 1, near)) + 0.3 * (patch - 0.5);
  const grass = times(blend([0.3, 0.45, 0.16], [0.72, 0.68, 0.34], clamp(1.6 * patch - 0.3)), light);
  return blend([0.6, 0.66, 0.6], grass, mix(0.6, 1, near));
}

function wood(x: number, y: number): Colour {
  const row = Math.floor((y - TABLE) / 61);
  const within = (y - TABLE) / 61 - row;
  const shift = 400 * lattice(row, 3, 70);
  const warp = 7 * fractal((x + shift) / 120, y / 25, 71 + row, 4);
  const ring = 0.5 + 0.5 * Math.sin(2 * Math.PI * (warp + within * 2.2));
  const fibre = fractal((x + shift) / 30, y / 1.6, 80 + row, 5);
  const tone = 0.6 + 0.22 * ring + 0.5 * (fibre - 0.5) + 0.12 * (lattice(row, 5, 70) - 0.5);
  const seam = step(0, 0.035, Math.min(within, 1 - within));
  return times(blend([0.5, 0.29, 0.14], [0.86, 0.62, 0.38], clamp(tone)), mix(0.3, 1, seam));
}

/** Plain weave with yarns of uneven thickness and colour stripes. */
function cloth(x: number, y: number): Colour {
  const u = (0.94 * x + 0.34 * y) / 5.2 + 0.5 * fractal(x / 30, y / 30, 90, 3);
  const v = (0.94 * y - 0.34 * x) / 5.2 + 0.5 * fractal(x / 30, y / 30, 91, 3);
  const iu = Math.floor(u);
  const iv = Math.floor(v);
  const isWarp = (iu + iv) % 2 === 0;
  const across = isWarp ? u - iu : v - iv;
  const along = isWarp ? v - iv : u - iu;
  const yarn = isWarp ? iu : iv;
  const round = Math.sin(Math.PI * across) * (0.65 + 0.35 * Math.sin(Math.PI * along));
  const stripe = ((yarn % 14) + 14) % 14 < 4;
  const base: Colour = stripe ? [0.86, 0.82, 0.72] : isWarp ? [0.63, 0.2, 0.2] : [0.52, 0.16, 0.22];
  return times(base, 0.35 + 0.75 * round + 0.25 * (noise(x / 1.7, y / 1.7, 92) - 0.5));
}

/** A ball of veined stone lit from the upper left. */
function stone(u: number, v: number): Colour {
  const w = Math.sqrt(Math.max(0, 1 - u * u - v * v));
  const turbulence = fractal(3 * u + 5, 3 * v + 2 * w, 100, 6);
  const vein = Math.abs(Math.sin(7 * (u + w) + 9 * turbulence)) ** 0.6;
  const grain = fractal(22 * u, 22 * v, 101, 3);
  const body = blend([0.16, 0.3, 0.28], [0.82, 0.86, 0.78], clamp(0.85 * vein + 0.4 * (grain - 0.5)));
  const diffuse = clamp(-0.5 * u - 0.6 * v + 0.63 * w);
  const glint = clamp(-0.42 * u - 0.5 * v + 0.76 * w) ** 60;
  return blend(times(body, 0.22 + 0.95 * diffuse), [1, 1, 1], 0.85 * glint);
}

/** Rings whose frequency grows from 0 to 0.3 cycles per pixel at the rim. */
function zonePlate(radius: number, outer: number): Colour {
  const level = 0.5 + 0.45 * Math.cos((Math.PI * 0.3 * radius * radius) / outer);
  return [level, level, level * 0.97];
}

function siemensStar(dx: number, dy: number): Colour {
  const isDark = Math.floor((Math.atan2(dy, dx) / Math.PI + 1) * 18) % 2 === 0;
  return isDark ? [0.1, 0.11, 0.14] : [0.95, 0.94, 0.9];
}

/** Fully saturated hues from left to right, towards white at the top and black at the bottom. */
function spectrum(u: number, v: number): Colour {
  const channel = (offset: number): number => 0.5 + 0.5 * Math.cos(2 * Math.PI * (u - offset));
  const hue: Colour = [channel(0), channel(1 / 3), channel(2 / 3)];
  return v < 0.5 ? blend([1, 1, 1], hue, 0.2 + 1.6 * v) : times(hue, 2 - 1.8 * v);
}

const SIGN: readonly TextLine[] = [
  { text: 'UPCONV', x: 294, y: 296, unit: 5.2 },
  { text: 'TRANSPOSED CONVOLUTION', x: 292, y: 341, unit: 1.42 },
  { text: 'THE QUICK BROWN FOX JUMPS', x: 292, y: 360, unit: 1.24 },
  { text: 'OVER THE LAZY DOG', x: 292, y: 375, unit: 1.24 },
  { text: '0123456789 - 3X3 4X4 8X8', x: 292, y: 390, unit: 1.24 },
];

function sign(x: number, y: number): Colour {
  const paper = 0.93 + 0.06 * (fractal(x / 3, y / 3, 110, 3) - 0.5);
  const colour: Colour = [paper, paper * 0.97, paper * 0.88];
  const line = SIGN.findIndex((text) => isInText(text, x, y));
  if (line < 0) return colour;
  return line === 0 ? [0.12, 0.24, 0.45] : [0.16, 0.15, 0.16];
}

// --- Scene ---------------------------------------------------------------------------------------------------------

const PLATE = { x: 142, y: 372, radius: 104 };
const STAR = { x: 645, y: 360, radius: 88 };
const BALL = { x: 522, y: 440, radius: 58 };

/** Darkening by something whose edge is `distance` away, as if lit from the upper left. */
function shadow(distance: number): number {
  return mix(0.45, 1, step(-6, 18, distance));
}

function sceneBehind(x: number, y: number): Colour {
  if (y < HORIZON + 4 * (noise(x / 5, 0, 120) - 0.5)) return ridges(x, y, sky(x, y));
  return y < TABLE ? meadow(x, y) : wood(x, y);
}

function clothCovers(x: number, y: number): boolean {
  const frayed = 3 * (noise(x / 4, y / 4, 121) - 0.5);
  return boxDistance(x, y, 420, 470, 150, 74, 12) + frayed < 0;
}

function colourAt(x: number, y: number): Colour {
  const toBall = Math.hypot(x - BALL.x, y - BALL.y) - BALL.radius;
  if (toBall < 0) return stone((x - BALL.x) / BALL.radius, (y - BALL.y) / BALL.radius);
  const toSign = boxDistance(x, y, 384, 344, 106, 62, 8);
  if (toSign < 0) return toSign > -3 ? [0.12, 0.24, 0.45] : sign(x, y);
  const toStar = Math.hypot(x - STAR.x, y - STAR.y) - STAR.radius;
  if (toStar < 0) return toStar > -4 ? [0.72, 0.53, 0.2] : siemensStar(x - STAR.x, y - STAR.y);
  const toPlate = Math.hypot(x - PLATE.x, y - PLATE.y) - PLATE.radius;
  if (toPlate < 0) return toPlate > -4 ? [0.2, 0.2, 0.22] : zonePlate(toPlate + PLATE.radius, PLATE.radius - 4);
  const toStrip = boxDistance(x, y, 660, 484, 92, 18, 4);
  if (toStrip < 0) return spectrum((x - 568) / 184, (y - 466) / 36);
  const ground = clothCovers(x, y) ? cloth(x, y) : sceneBehind(x, y);
  if (y < TABLE) return ground;
  const onTable = [
    Math.hypot(x - BALL.x - 16, (y - BALL.y - 14) * 1.1) - BALL.radius,
    boxDistance(x, y, 389, 350, 106, 62, 8),
    Math.hypot(x - STAR.x - 6, y - STAR.y - 7) - STAR.radius,
    Math.hypot(x - PLATE.x - 6, y - PLATE.y - 7) - PLATE.radius,
    boxDistance(x, y, 663, 488, 92, 18, 4),
  ];
  return times(
    ground,
    onTable.reduce((light, distance) => light * shadow(distance), 1),
  );
}

/** Mean colour of a pixel, with a little darkening towards the corners. */
function pixelAt(column: number, row: number): Colour {
  const sum = [0, 0, 0];
  for (let i = 0; i < SAMPLES ** 2; i++) {
    const x = column + ((i % SAMPLES) + 0.5) / SAMPLES;
    const y = row + (Math.floor(i / SAMPLES) + 0.5) / SAMPLES;
    const colour = colourAt(x, y);
    for (let c = 0; c < 3; c++) sum[c] += clamp(colour[c]);
  }
  const vignette = 1 - 0.22 * ((column / WIDTH - 0.5) ** 2 + (row / HEIGHT - 0.5) ** 2);
  const scale = vignette / SAMPLES ** 2;
  return [sum[0] * scale, sum[1] * scale, sum[2] * scale];
}

const data = new Uint8Array(WIDTH * HEIGHT * 3);
for (let row = 0; row < HEIGHT; row++) {
  for (let column = 0; column < WIDTH; column++) {
    data.set(
      pixelAt(column, row).map((value) => Math.round(255 * value)),
      3 * (row * WIDTH + column),
    );
  }
}
writeFileSync(
  process.argv[2] ?? new URL('../assets/picture.png', import.meta.url),
  encodePng({ width: WIDTH, height: HEIGHT, channels: 3, depth: 8, data }),
);
