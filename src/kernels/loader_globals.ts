/**
 * Globals that the compiler's loader uses as soon as it is evaluated, for scopes that lack them: audio worklets have no
 * TextDecoder. The build injects these. The loader decodes by itself when this one fails, and kernels have no strings.
 */

class MissingTextDecoder {
  decode(): never {
    throw new TypeError('this scope has no TextDecoder');
  }
}

const TextDecoderOrNone: unknown = globalThis.TextDecoder ?? MissingTextDecoder;
export { TextDecoderOrNone as TextDecoder };
