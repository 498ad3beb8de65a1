/**
 * exp, tanh, the logistic function, the normal distribution and log1p on vectors.
 *
 * Own polynomials (Chebyshev fits), because the standard library's bring a data segment.
 * Relative errors: about 2 ulp, except where a comment says otherwise. NaN gives NaN; arguments
 * beyond the range give the limits, as PyTorch does.
 */

import { simd } from '../simd';
import { Lanes } from './lanes';

const LOG2_E: f64 = 1.4426950408889634;

export class Transcendental {
  /** Remainder r of x = n ln 2 + r, |r| ≤ ln 2 / 2. */
  @inline private static remainder<T extends number>(x: v128, n: v128): v128 {
    // ln 2 in two parts; the first has so few bits that n times it is exact
    if (sizeof<T>() == 4) {
      return simd.madd<T>(n, Lanes.splat<T>(0.00021219444), simd.madd<T>(n, Lanes.splat<T>(-0.693359375), x));
    }
    return simd.madd<T>(
      n,
      Lanes.splat<T>(-1.9082149292705877e-10),
      simd.madd<T>(n, Lanes.splat<T>(-0.6931471803691238), x),
    );
  }

  /** e^r − 1 for |r| ≤ ln 2 / 2: r + r² q(r); float64, slower and shorter, r (1 + r/2 (1 + r/3 (…))). */
  @inline private static expm1Reduced<T extends number>(r: v128): v128 {
    if (sizeof<T>() == 8) {
      let series = r;
      for (let n: f64 = 14; n > 1; n--) {
        series = f64x2.add(r, f64x2.mul(r, f64x2.div(series, f64x2.splat(n))));
      }
      return series;
    }
    let q = Lanes.splat<T>(0.0013926250831497611);
    q = Lanes.horner<T>(r, q, 0.008363232883682618);
    q = Lanes.horner<T>(r, q, 0.04166655421298415);
    q = Lanes.horner<T>(r, q, 0.16666576666119928);
    q = Lanes.horner<T>(r, q, 0.5);
    return simd.madd<T>(v128.mul<T>(r, r), q, r);
  }

  /** e^(x + low): `low` is what x lost to rounding. */
  static expSum<T extends number>(x: v128, low: v128): v128 {
    // beyond these, the result is 0 or infinity in any case; pmin and pmax with x first keep NaN
    x = v128.pmax<T>(x, Lanes.splat<T>(sizeof<T>() == 4 ? -104 : -746));
    x = v128.pmin<T>(x, Lanes.splat<T>(sizeof<T>() == 4 ? 89 : 710));
    const n = v128.nearest<T>(v128.mul<T>(x, Lanes.splat<T>(LOG2_E)));
    const r = v128.add<T>(Transcendental.remainder<T>(x, n), low);
    const mantissa = v128.add<T>(Transcendental.expm1Reduced<T>(r), Lanes.splat<T>(1));
    // in two steps: 2^n itself may be subnormal or too large
    const exponent = Lanes.toInteger<T>(n);
    const half = i32x4.shr_s(exponent, 1);
    return v128.mul<T>(
      v128.mul<T>(mantissa, Lanes.powerOfTwo<T>(half)),
      Lanes.powerOfTwo<T>(i32x4.sub(exponent, half)),
    );
  }

  static tanh<T extends number>(x: v128): v128 {
    // tanh|x| = m / (m + 2) with m = e^(2|x|) − 1; beyond the limit it rounds to 1
    const limit = Lanes.splat<T>(sizeof<T>() == 4 ? 20 : 40);
    const magnitude = v128.abs<T>(x);
    const y = v128.pmin<T>(v128.add<T>(magnitude, magnitude), limit);
    const n = v128.nearest<T>(v128.mul<T>(y, Lanes.splat<T>(LOG2_E)));
    const scale = Lanes.powerOfTwo<T>(Lanes.toInteger<T>(n));
    const m = simd.madd<T>(
      scale,
      Transcendental.expm1Reduced<T>(Transcendental.remainder<T>(y, n)),
      v128.sub<T>(scale, Lanes.splat<T>(1)),
    );
    return Lanes.withSign<T>(v128.div<T>(m, v128.add<T>(m, Lanes.splat<T>(2))), x);
  }

  /** 1 / (1 + e^(−x)) */
  static sigmoid<T extends number>(x: v128): v128 {
    const one = Lanes.splat<T>(1);
    return v128.div<T>(one, v128.add<T>(Transcendental.expSum<T>(v128.neg<T>(x), Lanes.splat<T>(0)), one));
  }

  /** Where the normal distribution is 0 or 1 to the last bit: keeps infinities out of what follows. */
  @inline private static gaussianLimit<T extends number>(): v128 {
    return Lanes.splat<T>(sizeof<T>() == 4 ? 15 : 39);
  }

  /** e^(−x²/2) */
  static gaussian<T extends number>(x: v128): v128 {
    const magnitude = v128.pmin<T>(v128.abs<T>(x), Transcendental.gaussianLimit<T>());
    // x² = upper² + (x − upper)(x + upper), the first term exact: large exponents keep their accuracy
    const upper = Lanes.upperHalf<T>(magnitude);
    const minusHalf = Lanes.splat<T>(-0.5);
    const rest = v128.mul<T>(v128.sub<T>(magnitude, upper), v128.add<T>(magnitude, upper));
    return Transcendental.expSum<T>(v128.mul<T>(v128.mul<T>(upper, upper), minusHalf), v128.mul<T>(rest, minusHalf));
  }

  /** Distribution function of the normal distribution, ½ (1 + erf(x / √2)), from `gaussian(x)`. */
  static normalCdf<T extends number>(x: v128, gaussian: v128): v128 {
    const magnitude = v128.pmin<T>(v128.abs<T>(x), Transcendental.gaussianLimit<T>());
    const a = v128.mul<T>(magnitude, Lanes.splat<T>(0.7071067811865476));
    let below: v128; // ½ erfc(a)
    if (sizeof<T>() == 4) below = Transcendental.halfErfcPolynomial(a, gaussian);
    else below = Transcendental.halfErfcSum(a, gaussian);
    return v128.bitselect(below, v128.sub<T>(Lanes.splat<T>(1), below), v128.lt<T>(x, Lanes.splat<T>(0)));
  }

  /** float32: erfc(a) = e^(−a²) g(u) / (1 + 2a), u = (a − 2) / (a + 2), g a polynomial. */
  @inline private static halfErfcPolynomial(a: v128, gaussian: v128): v128 {
    const two = Lanes.splat<f32>(2);
    const u = f32x4.div(f32x4.sub(a, two), f32x4.add(a, two));
    let g = Lanes.splat<f32>(-0.0004158970700061316);
    g = Lanes.horner<f32>(u, g, -0.0012467969243424078);
    g = Lanes.horner<f32>(u, g, 0.001331685428582749);
    g = Lanes.horner<f32>(u, g, 0.008652287232187457);
    g = Lanes.horner<f32>(u, g, -0.0080667040304843);
    g = Lanes.horner<f32>(u, g, -0.0542119612307487);
    g = Lanes.horner<f32>(u, g, 0.1640563038024363);
    g = Lanes.horner<f32>(u, g, -0.16603053011744243);
    g = Lanes.horner<f32>(u, g, -0.0927640215577567);
    g = Lanes.horner<f32>(u, g, 1.2769783774738688);
    const numerator = f32x4.mul(f32x4.mul(gaussian, g), Lanes.splat<f32>(0.5));
    return f32x4.div(numerator, f32x4.add(f32x4.add(a, a), Lanes.splat<f32>(1)));
  }

  /**
   * float64, slower and shorter than a polynomial of its degree would be:
   * erfc(a) = e^(−a²) · 2a/π ∫₀^∞ e^(−t²) / (t² + a²) dt by the midpoint rule with step ½, and for its pole
   * 2 / (1 + e^(4πa)) while that is not beyond the rule's error. About 4 ulp.
   */
  @inline private static halfErfcSum(a: v128, gaussian: v128): v128 {
    const square = f64x2.mul(a, a);
    let sum = f64x2.splat(0);
    let weight: f64 = 0.9394130628134758; // e^(−t²) at t = ¼, ¾, …
    let ratio: f64 = 0.6065306597126334;
    for (let t: f64 = 0.25; t < 6; t += 0.5) {
      sum = f64x2.add(sum, f64x2.div(f64x2.splat(weight), f64x2.add(f64x2.splat(t * t), square)));
      weight *= ratio;
      ratio *= 0.6065306597126334; // e^(−½)
    }
    const integral = f64x2.mul(f64x2.mul(f64x2.mul(gaussian, a), sum), f64x2.splat(0.15915494309189535)); // 1 / 2π
    const tail = Transcendental.expSum<f64>(f64x2.mul(a, f64x2.splat(-12.566370614359172)), f64x2.splat(0)); // e^(−4πa)
    const pole = f64x2.div(tail, f64x2.add(tail, f64x2.splat(1)));
    return f64x2.add(integral, v128.and(pole, f64x2.lt(a, f64x2.splat(6))));
  }

  /** log(1 + y) for 0 ≤ y ≤ 1, float64: 2 artanh(s) with s = y / (2 + y). */
  static log1p(y: v128): v128 {
    const s = f64x2.div(y, f64x2.add(y, f64x2.splat(2)));
    const z = f64x2.mul(s, s);
    let p = f64x2.splat(0);
    for (let n: f64 = 33; n > 1; n -= 2) p = Lanes.horner<f64>(z, p, 1 / n);
    const twice = f64x2.add(s, s);
    return simd.madd<f64>(f64x2.mul(twice, z), p, twice);
  }
}
