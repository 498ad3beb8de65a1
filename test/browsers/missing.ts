/** Prints the packages of Debian that the browsers of the tests come from, as far as a browser is not installed. */

import { BROWSER_NAMES, BROWSERS, isInstalled } from './browsers.ts';

const missing = BROWSER_NAMES.filter((name) => !isInstalled(name));
console.log(missing.flatMap((name) => BROWSERS[name].packages).join('\n'));
