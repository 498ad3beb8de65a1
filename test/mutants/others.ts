/** Bugs in products of matrices, in what goes element by element, in reductions, and in how threads share a stage. */

import type { Mutant } from './mutant.ts';
import { foundBy, ofConvolutions } from './mutant.ts';

const ofProducts = foundBy(
  'test/functional/matmul.test.ts',
  'test/golden/fold_matmul.test.ts',
  'test/functional/one_position.test.ts',
);
const ofFold = foundBy('test/golden/fold_matmul.test.ts', 'test/functional/fold.test.ts');
const ofActivations = foundBy('test/golden/activations.test.ts', 'test/functional/activation_edges.test.ts', 'test/functional/activation_accuracy.test.ts'); // prettier-ignore
const ofArithmetic = foundBy('test/golden/arithmetic.test.ts', 'test/golden/normalization.test.ts');
const ofOptimizers = foundBy('test/golden/optimizers.test.ts', 'test/nn/optimizer.test.ts');
const ofLosses = foundBy('test/golden/losses.test.ts', 'test/functional/loss.test.ts');
const ofHalves = foundBy('test/core/half.test.ts', 'test/golden/half.test.ts', 'test/tensor/float16.test.ts');
const ofTensors = foundBy('test/tensor/tensor.test.ts', 'test/tensor/views.test.ts');
const ofThreads = foundBy('test/threading/same_bits.test.ts', 'test/threading/workers.test.ts');

export const GEMM: readonly Mutant[] = [
  ...ofConvolutions(
    'assembly/gemm/edge.ts',
    ['rows that fill no tile are left out', 'row < rows; row += mr', 'row + mr <= rows; row += mr'],
    ['off by one: the last column of a strip', 'for (let c = 0; c < columns; c++) {', 'for (let c = 0; c < columns - 1; c++) {'], // prettier-ignore
    ['what C holds at its edge is not added to', 'if (accumulate) moveTile(', 'if (accumulate && rows < 0) moveTile('],
  ),
  ...ofConvolutions(
    'assembly/gemm/packing.ts',
    ['the last four vectors pass the end of the panel', 'min(v + 4, width - 4)', 'v + 4'],
    [
      'off by one: the last element of rows that are turned',
      'const left = count - whole;',
      'const left = count - whole - 1;',
    ],
    ['the last four groups pass the end of the rows', 'const next = min(count, 4);', 'const next = 4;'],
    ['swapped strides of vectors and depth', 'const depthStep = depthStride * bytes;', 'const depthStep = vectorStride * bytes;'], // prettier-ignore
  ),
  ...ofProducts(
    'assembly/gemm/matmul.ts',
    ['later blocks of K overwrite', 'k0 > 0 || p.accumulate != 0', 'p.accumulate != 0'],
    ['what is there is overwritten', 'k0 > 0 || p.accumulate != 0', 'k0 > 0'],
    ['swapped strides of rows and columns', 'm0 * p.cRowStride + n0 * p.cColumnStride', 'm0 * p.cColumnStride + n0 * p.cRowStride'], // prettier-ignore
    ['broadcast matrices taken from another batch', 'b += index * load<i32>(axisPtr, 8);', 'b += index * load<i32>(axisPtr, 4);'], // prettier-ignore
  ),
];

export const ELEMENTWISE: readonly Mutant[] = [
  ...ofFold(
    'assembly/conv/fold.ts',
    ['swapped stride and dilation', 'kh * p.dilationH;', 'kh * p.strideH;'],
    ['missing crop below', 'y < 0 || y >= p.height', 'y < 0 || y > p.height'],
    ['off by one: a column behind the last', 'geometry.ceilDiv(p.width - left, p.strideW)', 'geometry.ceilDiv(p.width + 1 - left, p.strideW)'], // prettier-ignore
  ),
  ...ofActivations(
    'assembly/elementwise/activation.ts',
    ['gradient of ReLU at 0', 'v128.le<T>(x, zero)', 'v128.lt<T>(x, zero)'],
    ['gradient of leaky ReLU at 0', 'v128.gt<T>(x, Lanes.splat<T>(0))', 'v128.ge<T>(x, Lanes.splat<T>(0))'],
    ['gradient of clamp at its edge', 'v128.le<T>(x, maximum)', 'v128.lt<T>(x, maximum)'],
    ['gradient of tanh: not squared', 'v128.sub<T>(one, v128.mul<T>(x, x))', 'v128.sub<T>(one, x)'],
    ['gradient of sigmoid: a factor left out', 'v128.mul<T>(v128.mul<T>(grad, v128.sub<T>(one, x)), x)', 'v128.mul<T>(grad, v128.sub<T>(one, x))'], // prettier-ignore
    ['gradient of GELU without the density', 'simd.madd<T>(x, density, cdf)', 'cdf'],
    ['gradient of SiLU: a wrong slope', 'v128.mul<T>(x, v128.sub<T>(one, sigmoid))', 'v128.mul<T>(x, sigmoid)'],
    ['elements that fill no vector are left out', 'while (count > 0) {', 'while (count >= Lanes.count<T>()) {'],
  ),
  ...ofActivations('assembly/elementwise/activation_stages.ts', ['PReLU: the slope of another channel', '(row % p.channels) * bytes', '(row / p.channels) * bytes']), // prettier-ignore
  ...ofArithmetic(
    'assembly/elementwise/combine.ts',
    ['a number that is broadcast read as neighbours', 'whole && step != 0 ?', 'whole ?'],
    ['copies of the last element are summed', 'if (!whole) value = v128.and(', 'if (count < 0) value = v128.and('],
    ['gradient of normalisation without its scale', 'value = Lane.sub(Lane.sub(grad, Lane.read(fPtr, at, fStep, bytes, whole), bytes), value, bytes);', 'value = Lane.sub(grad, value, bytes);'], // prettier-ignore
  ),
  ...ofOptimizers(
    'assembly/elementwise/optimizer.ts',
    ['Adam without the correction of the second moment', 'simd.madd<T>(v128.sqrt<T>(v), secondScale, eps)', 'v128.add<T>(v128.sqrt<T>(v), eps)'], // prettier-ignore
    ['Adam takes the step of SGD', 'simd.madd<T>(rest1, g, v128.mul<T>(beta1, update))', 'simd.madd<T>(beta1, update, g)'], // prettier-ignore
    ['no weight decay', 'simd.madd<T>(weightDecay, weight, grad)', 'grad'],
    ['elements that fill no vector are left out', 'while (count > 0) {', 'while (count >= Lanes.count<T>()) {'],
  ),
  ...ofHalves(
    'assembly/elementwise/half.ts',
    ['ties away from even', '0xfff - (112 << 23)', '0x1000 - (112 << 23)'],
    ['subnormal numbers rounded as others', 'Power.bits(-14)', 'Power.bits(-16)'],
  ),
  ...ofTensors('assembly/elementwise/copy.ts', ['swapped strides of two axes', 'targetPtr += p.targetStride4 * bytes', 'targetPtr += p.targetStride5 * bytes']), // prettier-ignore
  ...ofLosses(
    'assembly/reduce/loss.ts',
    ['the last element counted twice', 'whole ? value : f64x2.replace_lane(value, 1, 0)', 'value'],
    ['a gradient where both are equal', 'f64x2.lt(prediction, target)', 'f64x2.le(prediction, target)'],
  ),
];

export const THREADS: readonly Mutant[] = [
  ...ofThreads(
    'assembly/worker_loop.ts',
    ['off by one: the last item is not waited for', "completed >= atomic.load<i32>(jobPtr, offsetof<Job>('items'))", "completed + 1 >= atomic.load<i32>(jobPtr, offsetof<Job>('items'))"], // prettier-ignore
    ['all threads share one scratch memory', 'begin, end, thread);', 'begin, end, 0);'],
    ['items behind the last are run', "const end = min(begin + block.grain, atomic.load<i32>(jobPtr, offsetof<Job>('items')));", 'const end = begin + block.grain;'], // prettier-ignore
  ),
  ...foundBy('test/threading/coordinator.node.test.ts')('src/engine/shared_executor.ts', ['a stage that was given up counts as done', 'interruption.check(); // the job may have been closed early', '']), // prettier-ignore
];
