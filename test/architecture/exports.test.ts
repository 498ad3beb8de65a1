import { expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import source from '../../src/index.ts?raw';
import * as npy from '../../src/npy.ts';
import * as onnx from '../../src/onnx.ts';
import * as safetensors from '../../src/safetensors.ts';
import * as tfjs from '../../src/tfjs.ts';
import * as webnn from '../../src/webnn.ts';

/** The public surface: a name that comes or goes must be meant. */
const VALUES = `
  Adam ArgumentError BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d LayerNorm2d
  LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d DtypeError EngineError
  GELU LeakyReLU Module OutOfMemoryError PReLU PackedWeight ReLU SGD Sequential ShapeError SiLU Sigmoid Tanh Tensor
  UpconvError WorkerError activate activateBackward activateBackwardSync activateSync add addBackward addBackwardSync
  addSync batchNorm batchNormBackward batchNormBackwardSync batchNormSync bceWithLogitsLoss bceWithLogitsLossSync cat catBackward catBackwardSync catSync conv1d conv1dBackward conv1dBackwardSync
  conv1dSync conv2d conv2dBackward conv2dBackwardSync conv2dSync conv3d conv3dBackward conv3dBackwardSync
  conv3dSync convTranspose1d convTranspose1dBackward convTranspose1dBackwardSync convTranspose1dSync
  convTranspose2d convTranspose2dBackward convTranspose2dBackwardSync convTranspose2dSync convTranspose3d
  convTranspose3dBackward convTranspose3dBackwardSync convTranspose3dSync convTransposeAlgorithms
  convTranspose1dDoubleBackward convTranspose1dDoubleBackwardSync convTranspose2dDoubleBackward
  convTranspose2dDoubleBackwardSync convTranspose3dDoubleBackward convTranspose3dDoubleBackwardSync
  convTransposeOutputSize createEngine createEngineSync createGenerator empty fold foldSync fromPixels full init
  initializers instanceNorm instanceNormBackward instanceNormBackwardSync instanceNormSync l1Loss l1LossSync
  layerNorm2d layerNorm2dBackward layerNorm2dBackwardSync layerNorm2dSync manualSeed matmul matmulSync mseLoss
  mseLossSync mul mulBackward mulBackwardSync mulSync packWeight prelu preluBackward preluBackwardSync preluSync rand
  randn tensor toPixels unfold
  unfoldSync upscaleImage upscaleImageSync upscalePlanes zeros
`;

const TYPES = `
  ActivateBackwardOptions ActivateOptions Activation AddBackwardOptions AddOptions ArithmeticGradients
  BatchNormBackwardOptions BatchNormModuleOptions InstanceNormModuleOptions LayerNorm2dModuleOptions BatchNormOptions CatBackwardOptions CatOptions ConvTransposeDoubleBackwardOptions
  DoubleGradients InstanceNormBackwardOptions InstanceNormOptions LayerNorm2dBackwardOptions LayerNorm2dOptions
  MulBackwardOptions MulOptions NormalizationGradients PreluBackwardOptions PreluGradients AdamOptions Algorithm BackwardOptions ConvBackwardOptions ConvGradients ConvModuleOptions
  ConvOptions ConvTransposeBackwardOptions ConvTransposeModuleOptions ConvTransposeOptions Dtype Engine
  EngineInfo EngineMemory EngineOptions ErrorCode FoldOptions ForwardOptions FromPixelsOptions Generator GradientsOf GroupInput Leak LoadOptions
  LoadReport Loss LossOptions MatmulOptions MemoryFormat OptimizerStateDict OptimizerStateSource OutputMask PReLUOptions Padding ParamGroup PixelSource PlaneSink PlaneSource Pixels RandomOptions Range Region
  SGDOptions StateDict TensorArgument TensorData TensorLike TensorOptions TensorSource ToPixelsOptions UpscaleOptions Vjp
  PackWeightOptions WeightArgument
`;

const words = (text: string): string[] => text.trim().split(/\s+/);

test('values', () => {
  expect(Object.keys(upconv).toSorted()).toEqual(words(VALUES).toSorted());
});

test('values of the adapters', () => {
  expect(Object.keys(npy).toSorted()).toEqual(words('readNpy readNpz writeNpy writeNpz'));
  expect(Object.keys(onnx).toSorted()).toEqual(
    words('convTranspose convTransposeBackward convTransposeBackwardSync convTransposeSync loadConvTransposes'),
  );
  expect(Object.keys(safetensors).toSorted()).toEqual(words('openSafetensors readSafetensors writeSafetensors'));
  expect(Object.keys(tfjs)).toEqual(['register']);
  expect(Object.keys(webnn).toSorted()).toEqual(words('convTranspose2d convTranspose2dSync'));
});

test('types', () => {
  const exported = [...source.matchAll(/export type \{([^}]*)\}/g)].flatMap(([, names]) => names.split(','));
  const names = exported.map((name) => name.trim()).filter((name) => name !== '');
  expect(names.toSorted()).toEqual(words(TYPES).toSorted());
});

test('src/index.ts holds re-exports only', () => {
  const statements = source
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .split(';')
    .map((statement) => statement.trim());
  const other = statements.filter(
    (statement) => !/^export (?:type )?(?:\{[^}]*\}|\* as \w+) from '[^']+'$/.test(statement),
  );
  expect(other).toEqual(['']);
});
