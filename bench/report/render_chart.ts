/** Bar charts as SVG, by a chart library that is installed with the peers. */

import { BarChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Chart } from './chart.ts';

echarts.use([BarChart, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, SVGRenderer]);

const WIDTH = 1000;
const BAR_HEIGHT = 9;
const GAP = 7;
const MARGIN = { top: 80, bottom: 50, left: 190, right: 40 };
const PALETTE = ['#1f6feb', '#d29922', '#2da44e', '#8250df'];
const LOSS_COLOUR = '#a40000';

export function renderChart({ title, axis, categories, series, line, logarithmic }: Chart): string {
  const height = MARGIN.top + MARGIN.bottom + categories.length * (series.length * BAR_HEIGHT + GAP);
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    color: PALETTE,
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    title: { text: title, left: 10, top: 8 },
    legend: { top: 38, itemGap: 40, show: series.length > 1 },
    grid: MARGIN,
    xAxis: {
      type: logarithmic === true ? 'log' : 'value',
      logBase: 2,
      name: axis,
      nameLocation: 'middle',
      nameGap: 28,
    },
    yAxis: { type: 'category', inverse: true, data: [...categories], axisLabel: { fontSize: 10, interval: 0 } },
    series: series.map(({ name, values }, index) => ({
      type: 'bar',
      name,
      barWidth: BAR_HEIGHT,
      data: values.map((value) => ({
        value: value ?? '-',
        ...(logarithmic === true && value !== undefined && value < line ? { itemStyle: { color: LOSS_COLOUR } } : {}),
      })),
      ...(index > 0
        ? {}
        : { markLine: { silent: true, symbol: 'none', label: { show: false }, data: [{ xAxis: line }] } }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
