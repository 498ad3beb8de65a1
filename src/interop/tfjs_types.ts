/** What `register` needs of TensorFlow.js, by its shape: the package is not a dependency. */

export interface TensorInfo {
  readonly dataId: object;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** What Emscripten makes of a module; the memory is exported, or of a build with threads imported. */
export interface EmscriptenModule {
  readonly HEAPU8: Uint8Array;
  readonly asm?: { readonly memory?: unknown };
  readonly wasmMemory?: unknown;
  _malloc(bytes: number): number;
  _free(ptr: number): void;
}

/** The wasm backend has the optional parts. */
export interface TfjsBackend {
  /** Copies in; the new data is referenced once. */
  write(values: Float32Array, shape: number[], dtype: 'float32'): object;
  readSync(dataId: object): ArrayLike<number>;
  disposeData(dataId: object): boolean;
  /** 0 of data that is gone. */
  refCount(dataId: object): number;
  makeOutput?(shape: number[], dtype: 'float32'): TensorInfo;
  readonly dataIdMap?: { get(dataId: object): { readonly memoryOffset: number } };
  readonly wasm?: EmscriptenModule;
}

export interface KernelArguments {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly attrs: ConvAttributes;
  readonly backend: TfjsBackend;
}

export interface KernelConfig {
  readonly kernelName: string;
  readonly backendName: string;
  readonly kernelFunc: (args: KernelArguments) => TensorInfo;
}

/** Attributes of the kernels that are replaced; which of them are there is up to the kernel. */
export interface ConvAttributes {
  readonly strides: number | readonly number[];
  readonly pad: unknown;
  readonly dataFormat?: string;
  readonly dimRoundingMode?: string;
  readonly inputShape?: readonly number[];
  readonly filterShape?: readonly number[];
}

/** Sizes that TensorFlow.js computes of a convolution; an axis is Depth, Height or Width. */
export type ConvInfo = Readonly<Record<string, number>> & {
  readonly padInfo: Readonly<Record<'front' | 'top' | 'left', number>>;
};

/** The namespace of `@tensorflow/tfjs` or `@tensorflow/tfjs-core`. */
export interface Tfjs {
  getBackend(): string;
  backend(): object;
  getKernel(kernelName: string, backendName: string): object | null | undefined;
  registerKernel(config: object): void;
  unregisterKernel(kernelName: string, backendName: string): void;
  readonly backend_util: object;
}

/** The functions of `backend_util` that are called. */
export interface ConvUtil {
  convertConv2DDataFormat(dataFormat: string | undefined): 'channelsLast' | 'channelsFirst';
  computeConv2DInfo(
    inShape: readonly number[],
    filterShape: readonly number[],
    strides: number | readonly number[],
    dilations: number,
    pad: unknown,
    roundingMode: string | undefined,
    depthwise: boolean,
    dataFormat: string,
  ): object;
  computeConv3DInfo(
    inShape: readonly number[],
    filterShape: readonly number[],
    strides: number | readonly number[],
    dilations: number,
    pad: unknown,
  ): object;
}
