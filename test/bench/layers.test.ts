import { describe, expect, test } from 'vitest';
import { CONV_LAYERS } from '../../bench/conv_layers.ts';
import { isLarge, loadLayers, selectLayers, shapesOf } from '../../bench/layers.ts';
import { UsageError } from '../../bench/usage_error.ts';

const layers = loadLayers();

test('54 layers, 40 of at most 3 GFLOP: those that means are over', () => {
  expect(layers).toHaveLength(54);
  expect(new Set(layers.map(({ name }) => name)).size).toBe(54);
  expect(layers.filter((layer) => !isLarge(layer))).toHaveLength(40);
  expect(layers.filter(isLarge).map(({ name }) => name)).toContain('unet3d-k4s2');
});

describe('convolutions', () => {
  test('of the same models, with sources', () => {
    const count = (model: string): number => CONV_LAYERS.filter((layer) => layer.model.startsWith(model)).length;
    expect(['HiFi-GAN', 'FSRCNN', 'U-Net', 'nnU-Net'].map(count)).toEqual([4 * 3 * 3, 4, 8, 4]);
    expect(CONV_LAYERS.every(({ source, kind }) => source !== '' && kind === 'conv')).toBe(true);
  });

  test('keep the size of the image', () => {
    for (const layer of CONV_LAYERS) expect(shapesOf(layer).output.slice(2)).toEqual(layer.input);
  });
});

test('layers are chosen by beginnings of names', () => {
  expect(selectLayers(layers, [])).toHaveLength(54);
  expect(selectLayers(layers, ['dcgan-1', 'sam']).map(({ name }) => name)).toEqual(['dcgan-1', 'sam-dc2']);
  expect(() => selectLayers(layers, ['sam', 'nothing'])).toThrow(UsageError);
});
