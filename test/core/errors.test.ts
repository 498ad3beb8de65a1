import { expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';

const CLASSES = [
  [upconv.ShapeError, 'ShapeError', 'ERR_SHAPE'],
  [upconv.ArgumentError, 'ArgumentError', 'ERR_ARGUMENT'],
  [upconv.DtypeError, 'DtypeError', 'ERR_DTYPE'],
] as const;

test.each(CLASSES)('%o: name, code, message', (Class, name, code) => {
  const error = new Class('fold', 'stride', 'a number', "'2'");
  expect(error).toBeInstanceOf(upconv.UpconvError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name, code, message: "fold: stride expected a number, got '2'" });
});

test('errors of engines, memory and workers', () => {
  const cause = new Error('first');
  const engine = new upconv.EngineError('ERR_IN_USE', 'a message', { cause });
  expect(engine).toMatchObject({ name: 'EngineError', code: 'ERR_IN_USE', message: 'a message', cause });
  const memory = new upconv.OutOfMemoryError('zeros', 100, 50);
  expect(memory).toMatchObject({ name: 'OutOfMemoryError', code: 'ERR_OUT_OF_MEMORY' });
  const worker = new upconv.WorkerError('lost', { cause });
  expect(worker).toMatchObject({ name: 'WorkerError', code: 'ERR_WORKER', cause });
  for (const error of [engine, memory, worker]) expect(error).toBeInstanceOf(upconv.UpconvError);
});
