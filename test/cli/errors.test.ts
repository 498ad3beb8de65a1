import jpeg from 'jpeg-js';
import { linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodePng } from '../../src/cli/image/png.ts';
import { writeNpy, writeNpz } from '../../src/npy.ts';
import { writeSafetensors } from '../../src/safetensors.ts';
import { encodeModel, encodeNode, externalTensor, rawTensor } from '../interop/onnx/encode_model.ts';
import { listing, manyClis, runCli, temporaryFolder } from './support/cli.ts';

const folder = temporaryFolder();

function png(width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 3).map((_, i) => i * i);
  return encodePng({ width, height, channels: 3, depth: 8, data });
}

function npy(shape: number[], data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1)): Uint8Array {
  return writeNpy({ shape, data });
}

/** An array of float32 whose header says that it is something else. */
function retyped(shape: number[], descr: string): Uint8Array {
  const text = Buffer.from(npy(shape)).toString('latin1').replace('<f4', descr);
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

const nodes = ['a', 'b'].map((name) => encodeNode({ name, outputs: [name] }));
const onnxWeight = rawTensor('w', [2, 4, 3, 3], new Float32Array(72));
const outside = externalTensor('w', [2, 4, 3, 3], { location: '../w.npy' });
const photo = new Uint8Array(jpeg.encode({ width: 40, height: 40, data: new Uint8Array(6400).fill(99) }, 90).data);
const files: Record<string, Uint8Array | string> = {
  'ok.png': png(40, 40),
  'small.png': png(31, 40),
  'large.png': encodePng({ width: 2501, height: 2500, channels: 1, depth: 8, data: new Uint8Array(2501 * 2500) }),
  'text.png': 'this is not a picture',
  'cut.png': png(40, 40).subarray(0, 300),
  'cut.jpg': photo.subarray(0, photo.length - 30),
  file: '',
  'x.npy': npy([1, 2, 3, 3]),
  'w.npy': npy([2, 4, 3, 3]),
  'b.npy': npy([4]),
  'b5.npy': npy([5]),
  'flat.npy': npy([2, 4]),
  'six.npy': npy([1, 1, 1, 1, 1, 1]),
  'scalar.npy': npy([]),
  'bad.npy': 'not an array',
  'cut.npy': npy([2, 4, 3, 3]).subarray(0, 200),
  'int.npy': retyped([2, 4, 3, 3], '<i4'),
  'half.npy': writeNpy({ shape: [1, 2, 3, 3], data: new Uint16Array(18), type: 'float16' }),
  'w.safetensors': writeSafetensors({ w: { shape: [2, 4, 3, 3], data: new Float32Array(72) } }),
  'cut.safetensors': writeSafetensors({ w: { shape: [2, 4, 3, 3], data: new Float32Array(72) } }).subarray(0, -1),
  'm.onnx': encodeModel(nodes, [onnxWeight]),
  'none.onnx': encodeModel([], [onnxWeight]),
  'cut.onnx': encodeModel(nodes, [onnxWeight]).subarray(0, -40),
  'outside.onnx': encodeModel([nodes[0]], [outside]),
  'missing.onnx': encodeModel([nodes[0]], [externalTensor('w', [2, 4, 3, 3], { location: 'none.bin' })]),
  'short.onnx': encodeModel([nodes[0]], [externalTensor('w', [2, 4, 3, 3], { location: 'x.npy' })]),
  'w.npz': writeNpz({ w: { shape: [2, 4, 3, 3], data: new Float32Array(72) } }),
};
for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
writeFileSync(join(folder, 'x64.npy'), writeNpy({ shape: [1, 2, 3, 3], data: new Float64Array(18) }));
mkdirSync(join(folder, 'folder.png'));
linkSync(join(folder, 'ok.png'), join(folder, 'hard.png'));
symlinkSync('ok.png', join(folder, 'soft.png'));

const RUN = ['run', '--input', 'x.npy', '--weight', 'w.npy', '--output', 'y.npy'];

const MODEL = ['run', '--input', 'x.npy', '--output', 'y.npy', '--onnx'];

/** Arguments, and what the one line on stderr must name. */
const MISTAKES: readonly (readonly [string, string[], RegExp])[] = [
  ['unknown command', ['paint'], /unknown command 'paint'/],
  ['unknown option', ['--fast'], /unknown option '--fast'/],
  ['unknown option of a command', ['upscale', 'ok.png', 'out.png', '--fast'], /unknown option '--fast'/],
  ['no files', ['upscale'], /missing required argument 'in'/],
  ['no output', ['upscale', 'ok.png'], /missing required argument 'out'/],
  ['three files', ['upscale', 'ok.png', 'out.png', 'more.png'], /too many arguments for 'upscale'/],
  ['--scale 5', ['upscale', 'ok.png', 'out.png', '--scale', '5'], /--scale.*'5'.*2, 3, 4/],
  ['--scale two', ['upscale', 'ok.png', 'out.png', '--scale', 'two'], /--scale.*'two'/],
  ['--scale without a value', ['upscale', 'ok.png', 'out.png', '--scale'], /--scale.*missing/],
  ['--steps 0', ['upscale', 'ok.png', 'out.png', '--steps', '0'], /--steps.*'0'/],
  ['--steps abc', ['upscale', 'ok.png', 'out.png', '--steps', 'abc'], /--steps.*'abc'/],
  ['--steps 1.5', ['upscale', 'ok.png', 'out.png', '--steps', '1.5'], /--steps.*'1.5'/],
  ['--steps of nothing', ['upscale', 'ok.png', 'out.png', '--steps', ''], /--steps/],
  ['--steps of more than can be', ['upscale', 'ok.png', 'out.png', '--steps', '9999999999'], /--steps.*'9999999999'/],
  ['--steps without a value', ['upscale', 'ok.png', 'out.png', '--steps'], /--steps.*missing/],
  ['--scale of nothing', ['upscale', 'ok.png', 'out.png', '--scale', ''], /--scale.*''/],
  ['--seed of 33 bits', ['upscale', 'ok.png', 'out.png', '--seed', '4294967296'], /--seed.*'4294967296'/],
  ['--seed 1e3', ['upscale', 'ok.png', 'out.png', '--seed', '1e3'], /--seed.*'1e3'/],
  ['--seed -1', ['upscale', 'ok.png', 'out.png', '--seed', '-1'], /--seed.*'-1'/],
  ['missing picture', ['upscale', 'none.png', 'out.png'], /none\.png: no such file/],
  ['picture is a folder', ['upscale', 'folder.png', 'out.png'], /folder\.png: is a directory/],
  ['not a picture', ['upscale', 'text.png', 'out.png'], /text\.png: not a PNG or JPEG/],
  ['truncated PNG', ['upscale', 'cut.png', 'out.png'], /cut\.png: truncated.*PNG/],
  ['truncated JPEG', ['upscale', 'cut.jpg', 'out.png'], /cut\.jpg: truncated.*JPEG/],
  ['picture too small', ['upscale', 'small.png', 'out.png'], /small\.png: picture too small: 31 x 40.*32 x 32/],
  [
    'output too large',
    ['upscale', 'large.png', 'out.png', '--scale', '4'],
    /large\.png: picture too large: 2501 x 2500 becomes 10004 x 10000.*at most 100 megapixels/,
  ],
  ['picture too small for 3', ['upscale', 'ok.png', 'out.png', '--scale', '3'], /ok\.png: .*48 x 48 for --scale 3/],
  ['output folder missing', ['upscale', 'ok.png', 'none/out.png'], /none\/out\.png: .*no such/],
  ['output folder is a file', ['upscale', 'ok.png', 'file/out.png'], /file\/out\.png: .*not a directory/],
  ['output is a folder', ['upscale', 'ok.png', 'folder.png'], /folder\.png: is a directory/],
  ['output is not .png', ['upscale', 'ok.png', 'out.jpg'], /out\.jpg: .*\.png/],
  ['output is the input', ['upscale', 'ok.png', './ok.png'], /ok\.png: output is the same file as input/],
  ['output is the input by a hard link', ['upscale', 'ok.png', 'hard.png'], /hard\.png: output is the same file/],
  ['output is the input by a symbolic link', ['upscale', 'soft.png', 'ok.png'], /ok\.png: output is the same file/],
  ['run without options', ['run'], /--input/],
  ['run without output', ['run', '--input', 'x.npy', '--weight', 'w.npy'], /--output/],
  ['run to a file of no format', [...RUN.slice(0, -1), 'y.txt'], /y\.txt: expected a file \.npy/],
  ['run with an operand', [...RUN, 'more'], /too many arguments for 'run'/],
  [
    'missing weight',
    ['run', '--input', 'x.npy', '--weight', 'none.npy', '--output', 'y.npy'],
    /none\.npy: no such file/,
  ],
  [
    'not npy',
    ['run', '--input', 'bad.npy', '--weight', 'w.npy', '--output', 'y.npy'],
    /bad\.npy: readNpy: bytes expected a \.npy file/,
  ],
  [
    'truncated npy',
    ['run', '--input', 'x.npy', '--weight', 'cut.npy', '--output', 'y.npy'],
    /cut\.npy: .*elements for shape/,
  ],
  ['integer npy', ['run', '--input', 'x.npy', '--weight', 'int.npy', '--output', 'y.npy'], /int\.npy: dtype/],
  ['mixed dtypes', ['run', '--input', 'x64.npy', '--weight', 'w.npy', '--output', 'y.npy'], /x64\.npy, w\.npy: /],
  ['weight of two axes', ['run', '--input', 'x.npy', '--weight', 'flat.npy', '--output', 'y.npy'], /flat\.npy: weight/],
  ['channels do not match', ['run', '--input', 'w.npy', '--weight', 'w.npy', '--output', 'y.npy'], /w\.npy, w\.npy: /],
  ['bias of the wrong length', [...RUN, '--bias', 'b5.npy'], /x\.npy, w\.npy, b5\.npy: .*bias/],
  ['an empty name of the picture', ['upscale', '', 'out.png'], /argument 'in'.*file name/],
  ['an empty name of the output', ['upscale', 'ok.png', ''], /argument 'out'.*file name/],
  ['an empty name of a file', RUN.with(2, ''), /--input.*file name/],
  ['an empty name of the output of run', RUN.with(6, ''), /--output.*file name/],
  ['missing input', RUN.with(2, 'none.npy'), /none\.npy: no such file/],
  ['missing bias', [...RUN, '--bias', 'none.npy'], /none\.npy: no such file/],
  ['bias is a folder', [...RUN, '--bias', 'folder.png'], /folder\.png: is a directory/],
  ['weight of six axes', RUN.with(4, 'six.npy'), /six\.npy: weight .*got 6/],
  ['input without axes', RUN.with(2, 'scalar.npy'), /scalar\.npy, w\.npy: .*input/],
  ['float16 with float32', RUN.with(2, 'half.npy'), /half\.npy, w\.npy: .*weight expected float16, got float32/],
  ['safetensors without a name', RUN.with(4, 'w.safetensors'), /w\.safetensors: expected w\.safetensors#NAME/],
  ['npz without a name', RUN.with(4, 'w.npz#'), /w\.npz#: expected w\.npz#NAME/],
  ['a tensor that is not there', RUN.with(4, 'w.safetensors#v'), /w\.safetensors#v: .* got 'v'/],
  ['an array that is not there', RUN.with(4, 'w.npz#v'), /w\.npz#v: no array of this name, but w/],
  ['truncated safetensors', RUN.with(4, 'cut.safetensors#w'), /cut\.safetensors#w: .*the file is cut/],
  ['missing safetensors', RUN.with(4, 'none.safetensors#w'), /none\.safetensors: no such file/],
  ['output without a name', RUN.with(6, 'y.safetensors'), /y\.safetensors: expected/],
  ['output in the file of its weight', RUN.with(4, 'w.npz#w').with(6, 'w.npz#y'), /w\.npz: output is the same file/],
  ['neither weight nor model', ['run', '--input', 'x.npy', '--output', 'y.npy'], /--weight: expected an array/],
  ['--node without --onnx', [...RUN, '--node', 'a'], /--node a: expected --onnx FILE/],
  ['a model and a weight', [...RUN, '--onnx', 'm.onnx'], /--weight: expected without --onnx/],
  ['a model and geometry', [...MODEL, 'm.onnx', '--output-padding', '1'], /--output-padding: expected without --onnx/],
  ['several nodes', [...MODEL, 'm.onnx'], /m\.onnx: expected --node NAME, one of its ConvTranspose nodes: a, b/],
  ['no nodes', [...MODEL, 'none.onnx'], /none\.onnx: .*ConvTranspose nodes: none/],
  ['a node that is not there', [...MODEL, 'm.onnx', '--node', 'c'], /x\.npy, m\.onnx: .*among 'a', 'b', got 'c'/],
  ['truncated model', [...MODEL, 'cut.onnx'], /cut\.onnx: .*the bytes of an ONNX model/],
  ['missing model', [...MODEL, 'no.onnx'], /no\.onnx: no such file/],
  [
    'weights outside the folder',
    [...MODEL, 'outside.onnx'],
    /outside\.onnx: its weights are outside its folder: \.\.\//,
  ],
  ['weights in a missing file', [...MODEL, 'missing.onnx'], /none\.bin: no such file/],
  ['weights in a file that is too short', [...MODEL, 'short.onnx'], /short\.onnx: .*288 bytes/],
  ['--stride 0', [...RUN, '--stride', '0'], /x\.npy, w\.npy: .*stride/],
  ['--stride x', [...RUN, '--stride', 'x'], /--stride.*'x'/],
  ['--stride 1,,2', [...RUN, '--stride', '1,,2'], /--stride.*'1,,2'/],
  ['--stride with three axes', [...RUN, '--stride', '1,2,3'], /x\.npy, w\.npy: .*stride/],
  ['--padding -1', [...RUN, '--padding', '-1'], /x\.npy, w\.npy: .*padding/],
  ['--output-padding too large', [...RUN, '--output-padding', '1'], /x\.npy, w\.npy: .*outputPadding/],
  ['--output-size out of reach', [...RUN, '--output-size', '99'], /x\.npy, w\.npy: .*outputSize/],
  ['--stride 1.5', [...RUN, '--stride', '1.5'], /--stride.*'1\.5'/],
  ['--stride of nothing', [...RUN, '--stride', ''], /--stride.*''/],
  ['--stride beyond 32 bits', [...RUN, '--stride', '99999999999'], /x\.npy, w\.npy: .*stride/],
  ['--padding x', [...RUN, '--padding', 'x'], /--padding.*'x'/],
  ['--padding that leaves nothing', [...RUN, '--padding', '9'], /x\.npy, w\.npy: .*padding/],
  ['--output-padding x', [...RUN, '--output-padding', 'x'], /--output-padding.*'x'/],
  ['--output-size x', [...RUN, '--output-size', 'x'], /--output-size.*'x'/],
  ['--dilation 0', [...RUN, '--dilation', '0'], /x\.npy, w\.npy: .*dilation/],
  ['--dilation x', [...RUN, '--dilation', 'x'], /--dilation.*'x'/],
  ['--groups x', [...RUN, '--groups', 'x'], /--groups.*'x'/],
  ['--groups without a value', [...RUN, '--groups'], /--groups.*missing/],
  ['--groups 3', [...RUN, '--groups', '3'], /x\.npy, w\.npy: .*groups/],
  ['--groups 0', [...RUN, '--groups', '0'], /--groups.*'0'/],
  ['out of memory', [...RUN, '--stride', '40000'], /x\.npy, w\.npy: .*memory/],
  ['output of run is its weight', RUN.with(6, 'w.npy'), /w\.npy: output is the same file as input/],
  ['output folder of run missing', RUN.with(6, 'none/y.npy'), /none\/y\.npy: .*no such/],
  ['info --json', ['info', '--json'], /unknown option '--json'/],
  ['info with an operand', ['info', 'all'], /too many arguments for 'info'/],
];

const run = manyClis(folder);
const contents = Object.keys(files).map((name) => readFileSync(join(folder, name)));
const isUnchanged = (name: string, index: number): boolean => readFileSync(join(folder, name)).equals(contents[index]);

describe('mistakes exit with 2, one line on stderr, and write nothing', () => {
  test.each(MISTAKES)('%s', async (_what, args, message) => {
    const before = listing(folder);
    const { code, stderr } = await run(...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^upconv: [^\n]+\n$/);
    expect(code).toBe(2);
    expect(listing(folder)).toEqual(before);
    expect(Object.keys(files).filter((name, index) => !isUnchanged(name, index))).toEqual([]);
  });
});

// of the arguments, of a file, of an engine that has started, of each command
const PROCESSES = new Set(['unknown command', 'truncated PNG', 'integer npy', 'out of memory', 'info with an operand']);
test.each(MISTAKES.filter(([what]) => PROCESSES.has(what)))('in a process of its own: %s', (_, args, message) => {
  const { code, stdout, stderr } = runCli(folder, ...args);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^upconv: [^\n]+\n$/);
  expect([code, stdout]).toEqual([2, '']);
});

test('without a command the help is printed and the exit code is 2', () => {
  const { code, stderr } = runCli(folder);
  expect(stderr).toMatch(/Usage: upconv/);
  expect(code).toBe(2);
});

test.each([[['--help']], [['upscale', '--help']], [['help', 'run']]])('%j prints help and exits with 0', (args) => {
  const { code, stdout, stderr } = runCli(folder, ...args);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/Usage: upconv/);
});

test('--version prints the version of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(runCli(folder, '--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});
