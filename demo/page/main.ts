/** The page: what its controls do. */

import { createEngine } from '../../src/index.ts';
import { button, element, input, notify, select, text } from './elements.ts';
import { describeEngine, explainThreads } from './engine_facts.ts';
import { prepareLesson, train, type Lesson } from './lesson.ts';
import { LossPlot } from './loss_plot.ts';
import { checkSize, PhotoError, readPhoto, type Photo } from './photo.ts';
import { onPhoto } from './photo_input.ts';
import { chosenSide, offerViews, showScores, type View } from './scores.ts';
import { openSpeedPanel } from './speed/panel.ts';
import { SplitView } from './split_view.ts';
import { openTabs } from './tabs.ts';

const BUNDLED = '/picture.png';

const [left, right, zoom, scale] = [select('left'), select('right'), select('zoom'), select('scale')];
const progress = element('progress', HTMLProgressElement);
const plot = new LossPlot(text('plot'));
const view = new SplitView(element('view', HTMLCanvasElement), input('divider'));

let photo: Photo | null = null;
let lesson: Lesson | null = null;
/** Photos asked for so far. */
let asked = 0;
/** Of the training that runs. */
let training: AbortController | null = null;

function compare(): void {
  if (lesson !== null) view.show(chosenSide(left, lesson), chosenSide(right, lesson));
}

/** Shows a lesson; the two sides stay as they were chosen where that is possible. */
function show(next: Lesson, preferred: readonly [View, View]): void {
  lesson = next;
  offerViews(left, next, preferred[0]);
  offerViews(right, next, preferred[1]);
  showScores(element('scores', HTMLTableSectionElement), next);
  compare();
}

/** Makes a photo the one to learn from; one that cannot be used changes nothing. */
function use(next: Photo): void {
  const factor = Number(scale.value);
  checkSize(next, factor);
  training?.abort();
  photo = next;
  const { width, height } = next.picture;
  const reduced = next.reduced ? ', reduced for this page' : '';
  text('photo').textContent = `${next.name}: ${width} × ${height} pixels${reduced}`;
  show(prepareLesson(next.picture, factor), ['nearest', 'bicubic']);
  progress.value = 0;
  text('status').textContent = 'Ready to train.';
  text('step').textContent = 'No step yet.';
  button('train').disabled = training !== null; // which is ending
}

/** Runs what a visitor asked for and tells what went wrong. */
function attempt(work: () => void | Promise<void>): void {
  notify('problem', null);
  Promise.resolve()
    .then(work)
    .catch((error: unknown) => {
      notify('problem', error instanceof Error ? error.message : String(error));
      if (!(error instanceof PhotoError)) console.error(error);
    });
}

/** Uses a photo when it is read, unless another one was asked for meanwhile. */
async function useLatest(read: () => Promise<Photo>): Promise<void> {
  const own = ++asked;
  const next = await read();
  if (own === asked) use(next);
}

async function readBundled(): Promise<Photo> {
  const answer = await fetch(BUNDLED);
  if (!answer.ok) throw new PhotoError('The bundled picture could not be loaded.');
  return readPhoto(await answer.blob(), 'bundled picture');
}

/** A scale that the photo is too small for is taken back. */
function changeScale(): void {
  if (photo === null) return;
  try {
    use(photo);
  } catch (error) {
    scale.value = String(lesson?.pair.scale ?? scale.value);
    throw error;
  }
}

async function learn(): Promise<void> {
  if (lesson === null || training !== null) return;
  const steps = input('steps').valueAsNumber;
  const own = new AbortController();
  training = own;
  button('train').disabled = true;
  button('cancel').disabled = false;
  progress.max = steps;
  progress.value = 0;
  plot.start(steps);
  text('status').textContent = 'Training…';
  const before = lesson;
  const started = performance.now();
  let reached = 0;
  try {
    const learned = await train(engine, before, {
      steps,
      signal: own.signal,
      onStep(done, loss) {
        if (own.signal.aborted) return;
        reached = done;
        plot.add(done, loss);
        progress.value = done;
        text('step').textContent = `Step ${done} of ${steps}, loss ${loss.toExponential(2)}`;
      },
    });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    right.value = ''; // what was learned is what one wants to see now
    show(learned, ['nearest', 'learned']);
    text('status').textContent = `Learned from ${steps} steps in ${seconds} s.`;
  } catch (error) {
    if (!own.signal.aborted) throw error;
    // a new picture has its own words
    if (lesson === before) text('status').textContent = `Cancelled after ${reached} of ${steps} steps.`;
  } finally {
    training = null;
    button('train').disabled = false;
    button('cancel').disabled = true;
  }
}

openTabs();
openSpeedPanel();
for (const side of [left, right]) side.addEventListener('change', compare);
const setZoom = (): void => {
  view.zoom = Number(zoom.value);
};
zoom.addEventListener('change', setZoom);
setZoom();
scale.addEventListener('change', () => attempt(changeScale));
onPhoto(input('file'), (file) => attempt(() => useLatest(() => readPhoto(file, file.name))));
button('bundled').addEventListener('click', () => attempt(() => useLatest(readBundled)));
button('cancel').addEventListener('click', () => training?.abort());
element('controls', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  attempt(learn);
});

const engine = await createEngine().catch((error: unknown) => {
  notify('problem', `This browser cannot run upconv: ${error instanceof Error ? error.message : String(error)}`);
  throw error;
});
text('engine').textContent = describeEngine(engine);
notify('threads-off', explainThreads(engine));
attempt(() => useLatest(readBundled));
