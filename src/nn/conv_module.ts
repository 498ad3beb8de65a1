/** What the six convolution modules share. */

import type { Activation, CheckedActivation } from '../core/activation.ts';
import { ACTIVATION_KINDS } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { computeDtype } from '../core/dtype.ts';
import { DtypeError } from '../core/errors.ts';
import type { Generator } from '../core/generator.ts';
import { generatorOrDefault } from '../core/generator.ts';
import type { MemoryFormat } from '../core/memory_format.ts';
import type { Shape } from '../core/shape.ts';
import { sameShape } from '../core/shape.ts';
import type { PerAxis } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import { engineOrDefault } from '../engine/default_engine.ts';
import type { Engine } from '../engine/engine.ts';
import { beginActivation, beginActivationGradient } from '../functional/activation.ts';
import { savesOutput } from '../functional/activation_steps.ts';
import { checkTensor } from '../functional/arguments.ts';
import type { InsideModule } from '../functional/conv_call.ts';
import { beginBackward, beginForward } from '../functional/conv_call.ts';
import { CONV_TRANSPOSE } from '../functional/conv_problem.ts';
import type { AnyConvOptions, Placement } from '../functional/conv_options.ts';
import { packFor } from '../functional/pack_weight.ts';
import type { PackedWeight } from '../functional/packed_weight.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { CheckedConvModule, ConvModuleOptions, ConvTransposeModuleOptions, ConvType } from './conv_arguments.ts';
import { checkConvModule } from './conv_arguments.ts';
import { allocateParameters, drawParameters } from './conv_parameters.ts';
import { describeConv } from './describe_conv.ts';
import { gradientOf } from './gradients.ts';
import type { Frozen } from './frozen.ts';
import { Module } from './module.ts';
import type { ForwardOptions, ForwardResult, Wanted } from './pass_types.ts';
import type { Procedure } from '../engine/call.ts';
import { perform } from '../engine/call.ts';
import type { Home } from './parameter_tree.ts';
import { uninitializedError } from './parameter_tree.ts';
import type { Saved } from './saved.ts';
import { SavedConv } from './saved_conv.ts';

const { none } = ACTIVATION_KINDS;

export abstract class ConvModule extends Module {
  /** 0 while it is not known. */
  declare readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: CheckedConvModule['padding'];
  readonly outputPadding: readonly number[];
  readonly groups: number;
  readonly dilation: readonly number[];
  readonly paddingMode: 'zeros';
  /** Applied to the output. */
  readonly activation: Activation;
  /** Applied to the input. */
  readonly inputActivation: Activation;
  /** Of outputs and input gradients. */
  readonly memoryFormat: MemoryFormat;
  /** (inChannels, outChannels / groups, …kernelSize) when transposed, else (outChannels, inChannels / groups, …kernelSize). */
  declare readonly weight: Tensor;
  /** (outChannels), or null. */
  declare readonly bias: Tensor | null;
  readonly #type: ConvType;
  readonly #activation: CheckedActivation;
  readonly #inputActivation: CheckedActivation;
  readonly #generator: Generator | undefined;
  readonly #dtype: Dtype;
  readonly #engine: Engine | undefined;
  /** Input shapes that `prepare` saw. */
  readonly #preparedShapes: Shape[] = [];
  /** What forward reads after `freeze`. */
  #frozenOperands: { readonly weight: PackedWeight; readonly bias: Tensor | null } | null = null;
  readonly #hasBias: boolean;

  /** @param inChannels null: parameters are made later, by `initialize` */
  constructor(
    type: ConvType,
    inChannels: number | null,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvTransposeModuleOptions & ConvModuleOptions,
  ) {
    super();
    const checked = checkConvModule(this.typeName, type, inChannels, outChannels, kernelSize, options);
    this.#type = type;
    this.outChannels = outChannels;
    this.kernelSize = checked.kernelSize;
    this.stride = checked.stride;
    this.padding = checked.padding;
    this.outputPadding = checked.outputPadding;
    this.groups = checked.groups;
    this.dilation = checked.dilation;
    this.paddingMode = checked.paddingMode;
    this.memoryFormat = checked.memoryFormat;
    this.#activation = checked.activation;
    this.#inputActivation = checked.inputActivation;
    const { activation = 'none', inputActivation = 'none', generator } = options;
    this.activation = activation;
    this.inputActivation = inputActivation;
    this.#generator = generator;
    generatorOrDefault(this.typeName, generator);
    this.#dtype = checked.dtype;
    this.#hasBias = checked.bias;
    this.#engine = options.engine;
    if (inChannels === null) this.#leaveOut();
    else this.initialize(inChannels);
  }

  /** Makes the parameters. @param engine default: the option's, else the one that `init()` made */
  protected initialize(inChannels: number, engine: Engine | undefined = this.#engine): void {
    const { outChannels, groups, kernelSize } = this;
    const shape = { outChannels, groups, kernelSize, bias: this.#hasBias };
    const place = { dtype: this.#dtype, engine: engineOrDefault(this.typeName, engine) };
    const { weight, bias } = allocateParameters(this.#type, shape, inChannels, place);
    for (const [name, value] of Object.entries({ inChannels, weight, bias })) {
      Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    }
    this.resetParameters();
  }

  /**
   * For subclasses whose padding depends on the size of the input, which they replace; undefined: the arguments' own.
   * @internal
   */
  get placement(): Placement | undefined {
    return undefined;
  }

  /** Parameters that are not there yet throw where they are asked for. */
  #leaveOut(): void {
    Object.defineProperty(this, 'inChannels', { value: 0, enumerable: true, configurable: true });
    for (const name of ['weight', 'bias']) {
      const get = (): null => {
        if (name === 'bias' && !this.#hasBias) return null;
        throw uninitializedError(`${this.typeName}.${name}`);
      };
      Object.defineProperty(this, name, { get, enumerable: false, configurable: true });
    }
  }

  /** @internal */
  override get uninitialized(): readonly string[] {
    if (this.inChannels > 0) return [];
    return this.#hasBias ? ['weight', 'bias'] : ['weight'];
  }

  /** @internal */
  override home(): Home {
    return this.inChannels > 0 ? super.home() : { engine: this.#engine, dtype: this.#dtype };
  }

  /** Draws weight and bias anew: uniform in ±1/√fanIn, the bits of PyTorch for the same seed. */
  resetParameters(): void {
    this.checkAlive(`${this.typeName}.resetParameters`);
    this.checkThawed('resetParameters');
    if (this.uninitialized.length > 0) return; // they will be drawn when they are made
    const generator = generatorOrDefault(this.typeName, this.#generator);
    for (const parameter of this.parameters()) parameter.storage.checkWritable('resetParameters'); // both or none
    drawParameters(this, generator);
  }

  /** @internal */
  override get forwardOptions(): readonly string[] {
    return this.#transposed ? ['outputSize', 'signal', 'out'] : ['signal', 'out'];
  }

  /** @internal */
  override *forwardSteps(
    operation: string,
    input: Tensor,
    options: ForwardOptions,
    save: boolean,
  ): Procedure<ForwardResult> {
    const { outputSize, out } = options;
    this.#checkDtype(operation, 'input', input);
    if (save) this.checkThawed('forward');
    if (this.preparing > 0 && !this.#preparedShapes.some((shape) => sameShape(shape, input.shape))) {
      this.#preparedShapes.push(input.shape);
    }
    const { activation, inputActivation } = this;
    if (!save || savesOutput(this.#activation)) {
      const output = yield* perform(this.#begin(operation, input, { activation, inputActivation, outputSize, out }));
      if (!save) return { output, saved: null };
      const activated = this.#activation.kind === none ? null : output;
      return { output, saved: new SavedConv(input, this.weight, activated, outputSize) };
    }
    const wide = { resultDtype: this.#wide };
    const plain = yield* perform(this.#begin(operation, input, { inputActivation, outputSize }, wide));
    try {
      const output = yield* perform(beginActivation(operation, this.#activation, plain, out, this.#dtype));
      return { output, saved: new SavedConv(input, this.weight, plain, outputSize) };
    } finally {
      plain.dispose();
    }
  }

  /** @internal */
  override *backwardSteps(
    operation: string,
    saved: Saved,
    gradOutput: Tensor,
    { gradInput, gradParameters }: Wanted,
  ): Procedure<Tensor | null> {
    this.#checkDtype(operation, 'gradOutput', gradOutput);
    const { input, weight, activated, outputSize } = saved as SavedConv;
    let x = input.read(operation);
    const w = weight.read(operation);
    const temporaries: Tensor[] = [];
    const hold = (tensor: Tensor): Tensor => {
      temporaries.push(tensor);
      return tensor;
    };
    try {
      let grad = gradOutput;
      if (activated !== null) {
        const call = beginActivationGradient(operation, this.#activation, grad, activated.read(operation), this.#wide);
        grad = hold(yield* perform(call));
      }
      const activatesInput = this.#inputActivation.kind !== none;
      const savedInput = x;
      if (activatesInput && (gradParameters || savesOutput(this.#inputActivation))) {
        x = hold(yield* perform(beginActivation(operation, this.#inputActivation, x, undefined, this.#wide)));
      }
      if (!gradInput && !gradParameters) return null;
      const resultDtype = activatesInput ? this.#wide : this.#dtype;
      const result = yield* perform(
        this.#beginBackward(operation, grad, x, w, { gradInput, gradParameters, outputSize, resultDtype }),
      );
      if (result.gradInput === null || !activatesInput) return result.gradInput;
      const inner = savesOutput(this.#inputActivation) ? x : savedInput;
      const wide = hold(result.gradInput);
      return yield* perform(beginActivationGradient(operation, this.#inputActivation, wide, inner, this.#dtype));
    } finally {
      for (const tensor of temporaries) tensor.dispose();
    }
  }

  /**
   * For `upscaleImage`, in evaluation: the output for a part of the input, whose borders are others. The weight is packed
   * for any size, so that all parts share one copy, and a frozen module, which has that one, gives the same bits.
   * @param outputPadding of transposed convolutions
   * @internal
   */
  beginPart(
    operation: string,
    input: Tensor,
    padding: readonly (readonly [number, number])[],
    outputPadding: readonly number[],
  ): Call<Tensor> {
    this.#checkDtype(operation, 'input', input);
    const { activation, inputActivation } = this;
    const borders = this.#transposed ? { padding, outputPadding } : { padding };
    return this.#begin(operation, input, { activation, inputActivation, ...borders }, { anySize: true });
  }

  protected override packOwn(operation: string): Frozen {
    const { weight, bias } = this;
    const { kind } = this.#type;
    const shapes = [null, ...this.#preparedShapes];
    const packed = packFor(operation, weight, kind, 'forward', shapes, this.#geometry(undefined));
    return {
      commit: () => {
        this.#frozenOperands = { weight: packed, bias };
        this.freezeFields(['weight', 'bias'], bias === null ? [packed] : [packed, bias]);
        weight.grad?.dispose();
        bias?.grad?.dispose();
        weight.dispose();
      },
      abandon: () => packed.dispose(),
    };
  }

  /** Intermediate results of a pass are not rounded to float16: what it computes is rounded once. */
  get #wide(): Dtype {
    return computeDtype(this.#dtype);
  }

  /** Passes mix float16 and float32, so that the calls in them do not check it. */
  #checkDtype(operation: string, argument: string, value: Tensor): void {
    const { dtype } = checkTensor(operation, argument, value);
    if (dtype !== this.#dtype) throw new DtypeError(operation, argument, this.#dtype, dtype);
  }

  get #transposed(): boolean {
    return this.#type.kind === CONV_TRANSPOSE;
  }

  #geometry(outputSize: readonly number[] | undefined): Record<string, unknown> {
    const { stride, padding, dilation, groups, outputPadding } = this;
    const common = { stride, padding, dilation, groups };
    return this.#transposed ? { ...common, outputPadding, outputSize } : common;
  }

  #begin(
    operation: string,
    input: Tensor,
    { outputSize, ...options }: ForwardOptions & AnyConvOptions,
    inside: InsideModule = {},
  ): Call<Tensor> {
    const { memoryFormat } = this;
    const all = { ...this.#geometry(outputSize), ...(options.out === undefined ? { memoryFormat } : {}), ...options };
    const { weight, bias } = this.#frozenOperands ?? this;
    const { kind, axes } = this.#type;
    return beginForward(kind, operation, axes, input, weight, bias, all, { ...inside, place: this.placement });
  }

  #beginBackward(
    operation: string,
    gradOutput: Tensor,
    input: Tensor,
    weight: Tensor,
    wanted: Wanted & { readonly outputSize: readonly number[] | undefined; readonly resultDtype: Dtype },
  ): Call<{ gradInput: Tensor | null }> {
    const { gradInput, gradParameters, outputSize, resultDtype } = wanted;
    const gradBias = gradParameters && this.bias !== null;
    const { kind, axes } = this.#type;
    const options = {
      ...this.#geometry(outputSize),
      memoryFormat: this.memoryFormat,
      outputMask: [gradInput, gradParameters, gradBias] as const,
      accumulate: true,
      ...(gradParameters ? { outGradWeight: gradientOf(this.weight) } : {}),
      ...(gradBias ? { outGradBias: gradientOf(this.bias) } : {}),
    };
    return beginBackward(kind, operation, axes, gradOutput, input, weight, options, {
      resultDtype,
      place: this.placement,
    });
  }

  protected override describeOptions(): string {
    return describeConv(this, this.#hasBias);
  }
}
