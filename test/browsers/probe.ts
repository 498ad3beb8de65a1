/** Opens probe pages from a test. */

import type { EngineOptions } from '../../src/index.ts';
import type { ProbeReport } from './probe_page.ts';

/**
 * What a page under this Content-Security-Policy reports.
 * @param policy null: none
 */
export async function probe(policy: string | null, options: EngineOptions = {}): Promise<ProbeReport> {
  const frame = document.createElement('iframe');
  const reported = new Promise<ProbeReport>((resolve) => {
    const listener = ({ source, data }: MessageEvent<ProbeReport>): void => {
      if (source !== frame.contentWindow) return;
      removeEventListener('message', listener);
      resolve(data);
    };
    addEventListener('message', listener);
  });
  const query = policy === null ? '' : `?policy=${encodeURIComponent(policy)}`;
  frame.src = `/probe/page.html${query}#${encodeURIComponent(JSON.stringify(options))}`;
  document.body.append(frame);
  const report = await reported;
  frame.remove();
  return report;
}
