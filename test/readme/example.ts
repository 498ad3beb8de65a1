/* eslint-disable no-console -- README prints, too */
import { convTranspose2d, convTranspose2dBackward, init, rand } from '../../src/index.ts';

await init();
const input = rand([1, 64, 32, 32]); // (N, Cin, H, W)
const weight = rand([64, 32, 4, 4]); // (Cin, Cout / groups, kH, kW)
const bias = rand([32]);
const options = { stride: 2, padding: 1 };
const output = await convTranspose2d(input, weight, bias, options);
console.log(output.shape); // [1, 32, 64, 64]
const gradOutput = rand(output.shape);
const { gradInput, gradWeight, gradBias } = await convTranspose2dBackward(gradOutput, input, weight, options);
console.log(gradInput.shape, gradWeight.shape, gradBias.shape);
