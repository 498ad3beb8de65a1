import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { UpconvError } from '../index.ts';
import { SUITES } from './benchmark/suites.ts';
import { bench, type BenchOptions } from './commands/bench.ts';
import { info } from './commands/info.ts';
import { run, type RunOptions } from './commands/run.ts';
import { upscale, type UpscaleOptions } from './commands/upscale.ts';
import { CliError } from './errors.ts';

const SUCCESS = 0;
const INTERNAL_ERROR = 1;
const BAD_INPUT = 2;

/** The package that the program belongs to. */
export interface Installation {
  readonly version: string;
  /** The layers that `upconv bench` can time, as JSON. */
  readonly layersFile: URL;
}

/**
 * Runs the command line `args` (without runtime and script). Resolves to the exit code: 0, 2 for what the user can
 * correct (one line on stderr), 1 for a fault of this program.
 */
export async function main(args: readonly string[], installation: Installation): Promise<number> {
  try {
    await createProgram(installation).parseAsync(args, { from: 'user' });
    return SUCCESS;
  } catch (error) {
    if (error instanceof CommanderError) return commanderExit(error);
    if (error instanceof CliError || error instanceof UpconvError) return fail(error.message);
    process.stderr.write(`upconv: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
    return INTERNAL_ERROR;
  }
}

function createProgram({ version, layersFile }: Installation): Command {
  const program = new Command('upconv')
    .description('Transposed convolution in WebAssembly')
    .version(version)
    // Settings below are inherited by the commands, so they come first. Errors are printed by `main`.
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError(false);
  program
    .command('upscale')
    .description('train a transposed convolution on a picture, then enlarge the picture with it')
    .argument('<in>', 'PNG or JPEG', parseFile)
    .argument('<out>', 'PNG to write', parseFile)
    .addOption(new Option('--scale <factor>', 'enlargement').choices(['2', '3', '4']).default('2'))
    .option('--steps <count>', 'training steps', (text) => parseInteger(text, 1, 1e9), 3000)
    .option('--seed <number>', 'of the random crops', (text) => parseInteger(text, 0, 2 ** 32 - 1), 0)
    .action((input: string, output: string, options: { scale: string; steps: number; seed: number }) =>
      upscale(input, output, { ...options, scale: Number(options.scale) as UpscaleOptions['scale'] }),
    );
  program
    .command('run')
    .description('apply one transposed convolution to arrays: FILE.npy, FILE.npz#NAME or FILE.safetensors#NAME')
    .requiredOption('--input <file>', '(N, Cin, *spatial) or (Cin, *spatial)', parseFile)
    .option('--weight <file>', '(Cin, Cout/groups, *kernel); its rank chooses 1-D, 2-D or 3-D', parseFile)
    .option('--bias <file>', '(Cout)', parseFile)
    .requiredOption('--output <file>', 'array to write, as the only one in its file', parseFile)
    .option('--stride <list>', 'one integer, or one per axis: 2,1', parseIntegers)
    .option('--padding <list>', 'as --stride', parseIntegers)
    .option('--output-padding <list>', 'as --stride', parseIntegers)
    .option('--output-size <list>', 'as --stride; replaces --output-padding', parseIntegers)
    .option('--dilation <list>', 'as --stride', parseIntegers)
    .option('--groups <count>', 'groups of channels', (text) => parseInteger(text, 1, 2 ** 31 - 1))
    .option('--onnx <file>', 'a model; one of its ConvTranspose nodes in the place of weight and geometry', parseFile)
    .option('--node <name>', 'of the model; may be left out when there is only one')
    .action((options: RunOptions) => run(options));
  program
    .command('info')
    .description('show what the engine chose and measure its speed')
    .action(() => info(version));
  program
    .command('bench')
    .description('time transposed convolutions of known models, forward and backward, on one thread')
    .addOption(new Option('--suite <name>', 'quick: some ten layers; full: all').choices(SUITES).default('quick'))
    .option('--layers <list>', 'only these of the suite, by name or beginning of a name', (text) => text.split(','))
    .option('--json <file>', 'write the figures there, too', parseFile)
    .action((options: BenchOptions) => bench(options, version, layersFile));
  return program;
}

function commanderExit(error: CommanderError): number {
  // Help or version was asked for.
  if (error.exitCode === 0) return SUCCESS;
  // Called without a command: the help has been printed.
  if (error.code === 'commander.help') return BAD_INPUT;
  return fail(error.message.replace(/^error: /, ''));
}

function fail(message: string): number {
  process.stderr.write(`upconv: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  return BAD_INPUT;
}

/** An empty name, of an unset variable in a script, would make a message that names nothing. */
function parseFile(text: string): string {
  if (text === '') throw new InvalidArgumentError('Expected a file name.');
  return text;
}

function parseInteger(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < least || value > most) {
    throw new InvalidArgumentError(`Expected an integer from ${least} to ${most}.`);
  }
  return value;
}

function parseIntegers(text: string): number[] {
  if (!/^-?\d+(,-?\d+)*$/.test(text)) throw new InvalidArgumentError('Expected integers separated by commas.');
  return text.split(',').map(Number);
}
