import { describe, expect, test } from 'vitest';
import { comparisonText } from '../../bench/compare.ts';
import { versionsMarkdown } from '../../bench/node_versions/report.ts';
import type { Block } from '../../bench/report/document.ts';
import { heading, list, table, text, toHtml, toMarkdown } from '../../bench/report/document.ts';
import { goals, isMet } from '../../bench/report/goals.ts';
import { readmeSection, replaceSection } from '../../bench/report/readme_section.ts';
import { complaintsOf, reportBlocks } from '../../bench/report/report.ts';
import { layerResult, peer, report, timing, timings, yardstick } from './support/results.ts';

const web = (endToEnd: number) => ({ 'onnxruntime-web': peer({ endToEnd, resident: endToEnd }) });
const full = report({
  libraries: { 'onnxruntime-web': '1.0', PyTorch: '2.0' },
  layers: [
    layerResult('won', {
      ...web(10),
      PyTorch: peer({ resident: 1, gradInput: 4, gradWeight: 4, forwardBackward: 12 }),
    }),
    layerResult('lost', web(2), { streamMs: 4, channelsLast: timing(2.5) }),
    layerResult('large', web(40), { isLarge: true, channelsLast: timing(1.6) }),
  ],
  convolutions: [layerResult('conv', web(5), { cout: 64, upconv: timings({ endToEnd: 2.5, resident: 2 }) })],
  decoders: [{ name: 'decoder', source: '', flops: 1e9, upconv: timing(20), peer: timing(10), relativeDifference: 0 }],
  training: [{ name: 'step', flops: 3e9, upconv: timing(60), pytorch: null, relativeDifference: 0 }],
});
const markdown = toMarkdown(reportBlocks(full), ({ name }) => `${name}.svg`);

/** Rows of the table behind a heading, as cells. */
function rowsBehind(title: string): string[][] {
  const [, behind] = markdown.split(`## ${title}\n`);
  const lines = behind.split('\n## ')[0].split('\n');
  return lines
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.split('|').map((cell) => cell.trim()));
}

describe('report', () => {
  test('losses stand before all tables of layers, whole networks first', () => {
    expect(markdown.indexOf('## Losses')).toBeLessThan(markdown.indexOf('## Goals'));
    expect(markdown.indexOf('## Goals')).toBeLessThan(markdown.indexOf('## Transposed convolution'));
    const [, losses] = markdown.split('## Losses\n');
    expect(
      losses
        .split('\n')
        .filter((line) => line.startsWith('- '))
        .slice(0, 3),
    ).toEqual([
      '- decoder: **0.50**',
      '- won: PyTorch, resident, **0.50**',
      '- lost: onnxruntime-web, endToEnd, **0.80**',
    ]);
  });

  test('rows are sorted by the ratio, losses are bold', () => {
    const rows = rowsBehind('Transposed convolution, forward, end to end');
    expect(rows.map(([, name]) => name)).toEqual(['lost', 'won', 'large']);
    expect(rows[0]).toContain('**0.80**');
    expect(rows[1]).toContain('4.00');
  });

  test('the memory bound is shown where it is one', () => {
    const rows = rowsBehind('Transposed convolution, forward, resident');
    expect(rows.map(([, name, , , , bound, by]) => [name, bound, by])).toEqual([
      ['won', '60.0', 'peak'],
      ['large', '60.0', 'peak'],
      ['lost', '25.0', 'memory'],
    ]);
  });

  test('what tiles do beside the layers: the share of the core that there was', () => {
    const shared = report({
      layers: [
        layerResult('a', {}, { tiles: yardstick(30) }),
        layerResult('b', {}, { tiles: yardstick(60), flops: 200e6, upconv: timings({ resident: 5 }) }),
      ],
    });
    const found = toMarkdown(reportBlocks(shared), ({ name }) => `${name}.svg`);
    expect(found).toContain('71 % of the peak in the mean, 50 % to 100 %;');
    expect(found).toContain('Layers that are held to the peak do 105 % of tiles in the mean.');
    expect(found).toContain('forward, of peak, each: b 67 (67 % of tiles)');
    expect(found).toMatch(/\| a +\|.*\| +83 % \| +167 % \|/);
    expect(markdown).not.toContain('of tiles in the mean');
  });

  test('channels last beside row-major memory, where they were timed', () => {
    const rows = rowsBehind('Channels last');
    expect(rows.map(([, name, , , , ratio]) => [name, ratio])).toEqual([
      ['lost', '**0.80**'],
      ['large', '1.25'],
    ]);
  });

  test('machine, versions, date, peak', () => {
    for (const part of ['a processor', 'Node 26.0.0', '2026-01-02', 'abc1234', 'onnxruntime-web 1.0', 'PyTorch 2.0']) {
      expect(markdown).toContain(part);
    }
    expect(markdown).toContain('**Peak 60.0 GFLOP/s**');
  });

  test('doubtful numbers come first of all', () => {
    const wrong = report({ layers: [layerResult('x', { 'onnxruntime-web': peer({}, 3) })], failures: ['it broke'] });
    expect(complaintsOf(wrong)).toEqual(['it broke', 'x: onnxruntime-web is 3 times the tolerance from ours']);
    const first = reportBlocks(wrong).find((block) => block.kind === 'heading' && block.level === 2);
    expect(first).toMatchObject({ text: 'Not to be trusted' });
    expect(complaintsOf(full)).toEqual([]);
  });

  test('charts have one bar per layer, losses on top', () => {
    const charts = reportBlocks(full).flatMap((block) => (block.kind === 'chart' ? [block.chart] : []));
    expect(charts.map(({ name }) => name)).toEqual(['ratios', 'peak', 'pytorch', 'convolutions']);
    expect(charts[0]).toMatchObject({ categories: ['lost', 'won', 'large'], series: [{ values: [0.8, 4, 16] }] });
  });

  test('a run without peers has neither losses nor ratios', () => {
    const alone = toMarkdown(reportBlocks(report({ layers: [layerResult('a')] })), () => '');
    expect(alone).not.toContain('Losses');
    expect(alone).not.toContain('×:  ');
    expect(alone).toContain('50.0');
  });
});

describe('goals', () => {
  const found = new Map(goals(full).map((goal) => [goal.name, goal]));

  test('means are over layers that are not large', () => {
    const goal = found.get('forward against onnxruntime-web, geometric mean');
    expect(goal).toMatchObject({ goal: 3.2, over: '2 layers' });
    expect(goal?.value).toBeCloseTo(Math.sqrt(4 * 0.8));
    expect(goal && isMet(goal)).toBe(false);
  });

  test('each: large layers too; what misses is named, worst first', () => {
    const goal = found.get('forward against onnxruntime-web, each');
    expect(goal).toMatchObject({ value: 0.8, over: '3 layers', misses: ['lost 0.80'] });
  });

  test('layers that memory bounds are held to that bound', () => {
    expect(found.get('forward, of peak, each')).toMatchObject({ over: '2 layers', misses: [] });
    expect(found.get('forward, of memory bound, each')).toMatchObject({ over: '1 layers', value: 200 });
  });

  test('channels last: layers of 100 MFLOP or more', () => {
    const name = 'channels last against row-major, of 100 MFLOP or more, each';
    expect(found.get(name)).toMatchObject({ goal: 0.9, over: '2 layers', misses: ['lost 0.80'] });
    const small = layerResult('small', {}, { flops: 99e6, channelsLast: timing(9) });
    expect(goals(report({ layers: [small] })).map((goal) => goal.name)).not.toContain(name);
  });

  test('at most: smaller is better', () => {
    const goal = found.get('workspace, each');
    expect(goal && isMet(goal)).toBe(true);
    expect(goal).toMatchObject({ value: 1, misses: [] });
    const workspaceBytes = { forward: 0, backward: 9 * 2 ** 20, direct: 5 * 2 ** 20 };
    const big = goals(report({ layers: [layerResult('b', {}, { workspaceBytes })] })).filter(({ name }) =>
      name.startsWith('workspace'),
    );
    expect(big.map((each) => [each.name, isMet(each), each.misses])).toEqual([
      ['workspace without transforms, each', false, ['b 5.00']],
      ['workspace, each', false, ['b 9.00']],
    ]);
  });

  test('first calls', () => {
    const firstCalls = {
      importMs: 1,
      initMs: 30,
      threadedInitMs: 70,
      dispatch: { dispatchUs: 0.2, handOverUs: 16, wakeUs: 40 },
      processes: 5,
      layers: [],
      overheadUs: { forward: 4, backward: 9 },
    };
    const names = goals(report({ firstCalls })).map((goal) => [goal.name, isMet(goal)]);
    expect(names).toEqual([
      ['init({ threads: 1 })', false],
      ['createEngine({ threads: 2 })', false],
      ['forwardSync outside kernels', true],
      ['an empty stage on two threads', false],
    ]);
  });
});

describe('document', () => {
  const blocks: Block[] = [
    heading(2, 'A & B'),
    text('one **bold**', 'and `x < y`.'),
    list(['first', 'second']),
    table(['name', 'ms'], [['a', '1']]),
    { kind: 'chart', chart: { name: 'c', title: 'C', axis: '', categories: [], series: [], line: 1 } },
  ];

  test('markdown', () => {
    expect(toMarkdown(blocks, ({ name }) => `${name}.svg`)).toBe(
      [
        '## A & B',
        'one **bold** and `x < y`.',
        '- first\n- second',
        '| name |  ms |\n| ---- | --: |\n| a    |   1 |',
        '![C](c.svg)\n',
      ].join('\n\n'),
    );
  });

  test('HTML: escaped, charts inside', () => {
    const html = toHtml('T <', blocks, () => '<svg></svg>');
    expect(html).toContain('<title>T &lt;</title>');
    expect(html).toContain('<h2>A &amp; B</h2>');
    expect(html).toContain('<p>one <strong>bold</strong> and <code>x &lt; y</code>.</p>');
    expect(html).toContain('<tr><td>a</td><td>1</td></tr>');
    expect(html).toContain('<figure aria-label="C"><svg></svg></figure>');
  });
});

describe('README', () => {
  test('its section has the means over layers that are not large', () => {
    const section = readmeSection(full);
    expect(section).toContain('Slower than onnxruntime-web on 1 of 3 layers.');
    expect(section).toMatch(/\| onnxruntime-web +\| +1\.79 \| +0\.80 \| +4\.00 \| +2 \|/);
    expect(section).toMatch(/PyTorch, forward \+ backward +\| +2\.00/);
  });

  test('means on other machines stand beside them', () => {
    const other = { ...full, machine: { ...full.machine, cpu: 'Other' }, layers: full.layers.slice(0, 1) };
    const section = readmeSection(full, [other]);
    expect(section).toMatch(/\| times faster than .* \| +on Other \|/);
    const [own, another] = [full, other].map((each) =>
      /\| onnxruntime-web .*/.exec(readmeSection(each))![0].split('|')[2].trim(),
    );
    expect(own).not.toBe(another);
    expect(section).toMatch(new RegExp(`\\| onnxruntime-web +\\| +${own} .* ${another} \\|`));
    expect(section).toContain('Other: geometric mean of ');
  });

  test('only what lies between the marks is replaced', () => {
    const document = 'before\n<!-- speed: generated -->\nold\n<!-- /speed -->\nafter $&\n';
    expect(replaceSection(document, 'new $1\n')).toBe(
      'before\n<!-- speed: generated -->\nnew $1\n<!-- /speed -->\nafter $&\n',
    );
    expect(() => replaceSection('nothing', '')).toThrow('no place');
  });
});

test('comparison of two commits: losses first', () => {
  const found = [
    { layer: 'a', operation: 'forward', before: 10, after: 20, factor: 2 },
    { layer: 'b', operation: 'forward', before: 20, after: 10, factor: 0.5 },
  ];
  const lines = comparisonText(found).split('\n');
  expect(lines[0]).toMatch(/forward 1\.000/);
  expect(lines[4]).toMatch(/^\| b .*\*\*0\.500\*\*/);
  expect(lines[5]).toMatch(/^\| a .* 2\.000/);
});

test('versions of Node: the chosen micro-kernel is bold, one far below the peak is named', () => {
  const result = (node: string, chosen: number) => ({
    node,
    v8: '1',
    variants: [{ variant: 'relaxed', chosen: '6x8', peak: 60, microkernels: { '4x8': 50, '6x8': chosen } }],
  });
  const { date, commit, machine } = full;
  const found = versionsMarkdown({ date, commit, machine, results: [result('26.0.0', 57), result('27.0.0', 30)] });
  expect(found).toContain('**57.0 (95 %)**');
  expect(found.match(/look for spills/g)).toHaveLength(1);
  expect(found).toContain('- Node 27.0.0, relaxed: 6x8');
});
