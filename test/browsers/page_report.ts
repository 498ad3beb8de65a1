/** What a page reports of itself in a browser of this machine. */

import { setTimeout } from 'node:timers/promises';
import { openBrowser } from './browser_process.ts';
import type { BrowserName } from './browsers.ts';
import type { Handler } from './site.ts';
import { serve } from './site.ts';

/**
 * Opens a site in a browser of its own until it has posted to `/report`.
 * @throws the error that the page has posted, or when it posts nothing in time
 */
export async function pageReport<T extends object>(
  name: BrowserName,
  site: Handler,
  { isolated, patienceMs }: { readonly isolated: boolean; readonly patienceMs: number },
): Promise<T> {
  const served = await serve(site, isolated);
  const browser = await openBrowser(name, served.url, (message) => console.error(message));
  try {
    const late = setTimeout(patienceMs, '{"error":"the page did not report"}', { ref: false });
    const report = JSON.parse(await Promise.race([served.report, late])) as T | { readonly error: string };
    if ('error' in report) throw new Error(`${name}: ${report.error}`);
    return report;
  } finally {
    await browser.close();
    await served.close();
  }
}
