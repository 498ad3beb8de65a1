/**
 * The built package on whatever Node runs this file, without any tool of the repository: plain JavaScript,
 * numbers computed by hand. Node 20 has no relaxed SIMD, so there it is the plain variant that runs.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { convTranspose2d, convTranspose2dBackward, init, tensor } from 'upconv';

const major = Number(process.versions.node.split('.')[0]);
const variant = major === 20 ? 'simd' : 'relaxed';

const engine = await init({ threads: 1 });
assert.equal(engine.info.variant, variant);

const input = tensor([1, 2, 3, 4], [1, 1, 2, 2]);
const weight = tensor([1, -1, 2, 0.5], [1, 1, 2, 2]);
const bias = tensor([0.5]);
const output = await convTranspose2d(input, weight, bias);
assert.deepEqual(output.shape, [1, 1, 3, 3]);
assert.deepEqual([...output.toTypedArray()], [1.5, 1.5, -1.5, 5.5, 6, -2.5, 6.5, 10, 2.5]);

const gradOutput = tensor([1, 0, 2, 0, 3, 0, 4, 0, 5], [1, 1, 3, 3]);
const { gradInput, gradWeight, gradBias } = await convTranspose2dBackward(gradOutput, input, weight);
assert.deepEqual([...gradInput.toTypedArray()], [2.5, 4, 5, 5.5]);
assert.deepEqual([...gradWeight.toTypedArray()], [13, 13, 18, 23]);
assert.deepEqual([...gradBias.toTypedArray()], [15]);
engine.dispose();

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const info = execFileSync(process.execPath, [cli, 'info'], { encoding: 'utf8' });
assert.match(info, new RegExp(`^variant\\s+${variant}(-threads)?$`, 'm'));

console.log(`Node ${process.versions.node}, variant ${variant}: forward, backward and the command line work`);
