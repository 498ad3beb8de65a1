/**
 * The end of col2im: phase planes to output rows. Interleaves the phases, crops, adds bias and
 * activation, and writes each output element once.
 *
 * Uncropped output coordinate u = o + crop lies in plane u mod stride at q = ⌊u ÷ stride⌋. Where no
 * plane element exists (a residue that no tap reaches, or q beyond the reach) the value is 0 + bias.
 */

import { Activation } from '../elementwise/activation';
import { copyLine } from '../elementwise/copy';
import { ConvParams } from '../params';
import { geometry } from './geometry';

/**
 * Writes the output that one box of the planes owns, q0 ≤ q < q1 per axis, for `channels` channels.
 *
 * @param planesPtr planes of the first channel; element (0, 0, 0) of each is (d0, h0, columnBase)
 * @param outputPtr output of the first channel
 * @param biasPtr bias of the first channel, or 0
 * @param rowBufferPtr room for one output row, used when output rows are not contiguous or are added to
 */
export function flush<T>(
  p: ConvParams,
  planesPtr: usize,
  outputPtr: usize,
  biasPtr: usize,
  channels: i32,
  d0: i32,
  d1: i32,
  h0: i32,
  h1: i32,
  w0: i32,
  w1: i32,
  columnBase: i32,
  rowBufferPtr: usize,
): void {
  const beginD = outputBegin(d0, p.planeBeginD, p.strideD, p.cropD);
  const endD = outputEnd(d1, p.planeEndD, p.strideD, p.cropD, p.outputD);
  const beginH = outputBegin(h0, p.planeBeginH, p.strideH, p.cropH);
  const endH = outputEnd(h1, p.planeEndH, p.strideH, p.cropH, p.outputH);
  const beginW = outputBegin(w0, p.planeBeginW, p.strideW, p.cropW);
  const endW = outputEnd(w1, p.planeEndW, p.strideW, p.cropW, p.outputW);
  if (endW <= beginW) return;
  const count = endW - beginW;
  const dense = p.outputStrideW == 1 && !p.accumulate;
  for (let channel = 0; channel < channels; channel++) {
    const bias = biasPtr != 0 ? positiveZero<T>(load<T>(biasPtr + geometry.bytes<T>(channel))) : <T>0;
    for (let d = beginD; d < endD; d++) {
      const planeD = planeIndex(d + p.cropD, d0, d1, p.strideD, p.phasesD, p.residuesPtrD);
      const qd = (d + p.cropD) / p.strideD - d0;
      for (let h = beginH; h < endH; h++) {
        const planeH = planeIndex(h + p.cropH, h0, h1, p.strideH, p.phasesH, p.residuesPtrH);
        const rowPtr =
          outputPtr +
          geometry.bytes<T>(
            channel * p.outputChannelStride + d * p.outputStrideD + h * p.outputStrideH + beginW * p.outputStrideW,
          );
        const targetPtr = dense ? rowPtr : rowBufferPtr;
        if (planeD < 0 || planeH < 0) {
          fill<T>(targetPtr, bias, count);
        } else {
          const plane = ((channel * p.phasesD + planeD) * p.phasesH + planeH) * p.phasesW;
          const qh = (h + p.cropH) / p.strideH - h0;
          const sourcePtr =
            planesPtr + geometry.bytes<T>(plane * p.planeSize + qd * p.planeSlice + qh * p.planeRow - columnBase);
          composeRow<T>(p, sourcePtr, targetPtr, beginW, endW, w0, w1, bias);
        }
        Activation.row<T>(p.activation, targetPtr, count, p.activationA, p.activationB);
        if (p.accumulate) addLine<T>(rowBufferPtr, rowPtr, p.outputStrideW, count);
        else if (!dense) copyLine<T>(rowBufferPtr, 1, rowPtr, p.outputStrideW, count);
      }
    }
  }
}

/** −0 becomes +0, as 0 + bias would; spelt as a test because the optimiser folds the addition away. */
function positiveZero<T>(value: T): T {
  return value == <T>0 ? <T>0 : value;
}

function addLine<T>(from: usize, to: usize, stride: i32, count: i32): void {
  const step = geometry.bytes<T>(stride);
  for (; count > 0; count--) {
    store<T>(to, <T>(load<T>(to) + load<T>(from)));
    from += sizeof<T>();
    to += step;
  }
}

/** First output coordinate that plane rows from q0 on own; the first box owns what lies before, too. */
function outputBegin(q0: i32, planeBegin: i32, stride: i32, crop: i32): i32 {
  return q0 == planeBegin ? 0 : max(q0 * stride - crop, 0);
}

function outputEnd(q1: i32, planeEnd: i32, stride: i32, crop: i32, output: i32): i32 {
  return q1 == planeEnd ? output : min(q1 * stride - crop, output);
}

/** Phase of uncropped coordinate u, or −1 when no plane element of the box holds it. */
function planeIndex(u: i32, q0: i32, q1: i32, stride: i32, phases: i32, residuesPtr: usize): i32 {
  if (u < q0 * stride || u >= q1 * stride) return -1;
  return geometry.phaseOf(u % stride, stride, phases, residuesPtr);
}

function fill<T>(ptr: usize, value: T, count: i32): void {
  const end = ptr + geometry.bytes<T>(count);
  const wide = v128.splat<T>(value);
  for (; ptr + 16 <= end; ptr += 16) v128.store(ptr, wide);
  for (; ptr < end; ptr += sizeof<T>()) store<T>(ptr, value);
}

/**
 * One output row o0 ≤ o < o1 from the planes of its phases along W.
 * `sourcePtr` is where q = 0 of the first plane would be.
 */
function composeRow<T>(
  p: ConvParams,
  sourcePtr: usize,
  targetPtr: usize,
  o0: i32,
  o1: i32,
  w0: i32,
  w1: i32,
  bias: T,
): void {
  const stride = p.strideW;
  const u0 = o0 + p.cropW;
  const u1 = o1 + p.cropW;
  const planeBytes = geometry.bytes<T>(p.planeSize);
  // q whose every phase lies in this row: these are interleaved without a test
  const qa = max(geometry.ceilDiv(u0, stride), w0);
  const qb = min(geometry.floorDiv(u1, stride), w1);
  if (p.phasesW == stride && qb > qa) {
    for (let u = u0; u < qa * stride; u++) {
      store<T>(targetPtr + geometry.bytes<T>(u - u0), elementAt<T>(sourcePtr, planeBytes, u, stride, w0, w1, bias));
    }
    interleave<T>(
      sourcePtr + geometry.bytes<T>(qa),
      planeBytes,
      targetPtr + geometry.bytes<T>(qa * stride - u0),
      stride,
      qb - qa,
      bias,
    );
    for (let u = qb * stride; u < u1; u++) {
      store<T>(targetPtr + geometry.bytes<T>(u - u0), elementAt<T>(sourcePtr, planeBytes, u, stride, w0, w1, bias));
    }
    return;
  }
  fill<T>(targetPtr, bias, o1 - o0);
  for (let phase = 0; phase < p.phasesW; phase++) {
    const residue = load<i32>(p.residuesPtrW + ((<usize>phase) << 2));
    let q = max(geometry.ceilDiv(u0 - residue, stride), w0);
    const end = min(geometry.ceilDiv(u1 - residue, stride), w1);
    const planePtr = sourcePtr + <usize>phase * planeBytes;
    for (; q < end; q++) {
      const value: T = <T>(load<T>(planePtr + geometry.bytes<T>(q)) + bias);
      store<T>(targetPtr + geometry.bytes<T>(q * stride + residue - u0), value);
    }
  }
}

function elementAt<T>(sourcePtr: usize, planeBytes: usize, u: i32, stride: i32, w0: i32, w1: i32, bias: T): T {
  if (u < w0 * stride || u >= w1 * stride) return bias;
  return <T>(load<T>(sourcePtr + <usize>(u % stride) * planeBytes + geometry.bytes<T>(u / stride)) + bias);
}

/** target[q · stride + r] = plane r [q] + bias for 0 ≤ q < count and every phase r < stride. */
function interleave<T>(sourcePtr: usize, planeBytes: usize, targetPtr: usize, stride: i32, count: i32, bias: T): void {
  const biasWide = v128.splat<T>(bias);
  const lanes = 16 / sizeof<T>();
  let q = 0;
  if (stride == 1) {
    for (; q + <i32>lanes <= count; q += lanes) {
      const at = geometry.bytes<T>(q);
      v128.store(targetPtr + at, v128.add<T>(v128.load(sourcePtr + at), biasWide));
    }
  } else if (stride == 2) {
    for (; q + <i32>lanes <= count; q += lanes) {
      const at = geometry.bytes<T>(q);
      const even = v128.add<T>(v128.load(sourcePtr + at), biasWide);
      const odd = v128.add<T>(v128.load(sourcePtr + planeBytes + at), biasWide);
      if (sizeof<T>() == 4) {
        v128.store(targetPtr + 2 * at, v128.shuffle<f32>(even, odd, 0, 4, 1, 5));
        v128.store(targetPtr + 2 * at, v128.shuffle<f32>(even, odd, 2, 6, 3, 7), 16);
      } else {
        v128.store(targetPtr + 2 * at, v128.shuffle<f64>(even, odd, 0, 2));
        v128.store(targetPtr + 2 * at, v128.shuffle<f64>(even, odd, 1, 3), 16);
      }
    }
  } else if (sizeof<T>() == 4 && (stride & 3) == 0) {
    q = count & ~3;
    interleave4(sourcePtr, planeBytes, targetPtr, stride, q, biasWide);
  }
  if (q == count) return;
  for (let r = 0; r < stride; r++) {
    let from = sourcePtr + <usize>r * planeBytes + geometry.bytes<T>(q);
    let to = targetPtr + geometry.bytes<T>(q * stride + r);
    for (let i = q; i < count; i++) {
      store<T>(to, <T>(load<T>(from) + bias));
      from += sizeof<T>();
      to += geometry.bytes<T>(stride);
    }
  }
}

/** `interleave` of f32 for a stride and count that are multiples of 4, by 4x4 transposes. */
function interleave4(sourcePtr: usize, planeBytes: usize, targetPtr: usize, stride: i32, count: i32, bias: v128): void {
  const step = geometry.bytes<f32>(stride);
  for (let r = 0; r < stride; r += 4) {
    let p0 = sourcePtr + <usize>r * planeBytes;
    let to = targetPtr + geometry.bytes<f32>(r);
    for (let q = 0; q < count; q += 4) {
      const a = v128.load(p0);
      const b = v128.load(p0 + planeBytes);
      const c = v128.load(p0 + 2 * planeBytes);
      const d = v128.load(p0 + 3 * planeBytes);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(to, f32x4.add(v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5), bias));
      v128.store(to + step, f32x4.add(v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7), bias));
      v128.store(to + 2 * step, f32x4.add(v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5), bias));
      v128.store(to + 3 * step, f32x4.add(v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7), bias));
      p0 += 16;
      to += 4 * step;
    }
  }
}
