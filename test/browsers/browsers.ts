/** The browsers that tests run in, and how each is started on a page with a profile of its own. */

import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FACTS } from './facts.ts';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Browser {
  /** What has to be there, each the path of a file. */
  readonly needs: readonly string[];
  /** Where they come from on Debian. */
  readonly packages: readonly string[];
  /** Prints its version. */
  readonly version: readonly string[];
  /**
   * @param profile an empty folder
   * @param url what to open
   */
  launch(profile: string, url: string): Launch;
}

export type BrowserName = keyof typeof FACTS;

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const MINI_BROWSER = process.env.MINI_BROWSER ?? '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';
const XVFB_RUN = '/usr/bin/xvfb-run';

/** Everything by which Firefox would open a page of its own, or ask the network, at its first start. */
const FIREFOX_PREFERENCES = {
  'app.normandy.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
};

export const BROWSERS: Readonly<Record<BrowserName, Browser>> = {
  chromium: {
    needs: [CHROMIUM],
    packages: ['chromium'],
    version: [CHROMIUM, '--version'],
    launch: (profile, url) => ({
      command: CHROMIUM,
      args: [
        '--headless',
        '--no-sandbox', // root has none
        '--disable-gpu',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        `--user-data-dir=${profile}`,
        url,
      ],
      env: {},
    }),
  },
  firefox: {
    needs: [FIREFOX],
    packages: ['firefox-esr'],
    version: [FIREFOX, '--version'],
    launch: (profile, url) => {
      const lines = Object.entries(FIREFOX_PREFERENCES).map(([name, value]) => `user_pref("${name}", ${value});\n`);
      writeFileSync(join(profile, 'user.js'), lines.join(''));
      return { command: FIREFOX, args: ['--headless', '--no-remote', '--profile', profile, url], env: {} };
    },
  },
  webkit: {
    needs: [MINI_BROWSER, XVFB_RUN],
    packages: ['webkit2gtk-driver', 'xvfb'],
    version: [XVFB_RUN, '-a', MINI_BROWSER, '--version'],
    launch: (profile, url) => ({
      command: XVFB_RUN,
      args: ['-a', MINI_BROWSER, url],
      env: {
        HOME: profile,
        WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', // as above
        JSC_useSharedArrayBuffer: '1', // this port keeps it off, also for isolated pages
      },
    }),
  },
};

export const BROWSER_NAMES = Object.keys(BROWSERS) as readonly BrowserName[];

export function isInstalled(name: BrowserName): boolean {
  return BROWSERS[name].needs.every((path) => existsSync(path));
}

/** As it tells itself. */
export function versionOf(name: BrowserName): string {
  const [command, ...args] = BROWSERS[name].version;
  const [version = 'unknown'] = /\d[\w.]*/.exec(execFileSync(command, args, { encoding: 'utf8' })) ?? [];
  return version;
}
