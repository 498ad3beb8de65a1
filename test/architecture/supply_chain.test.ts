/** What a user takes on trust with the built package: what is in it, and what it asks of the machine. Documented in SECURITY.md. */

import { build } from 'esbuild';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly scripts: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'dist');
const readJson = (...path: string[]): unknown => JSON.parse(readFileSync(join(root, ...path), 'utf8'));
const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
const scripts = files.filter((file) => file.endsWith('.js'));
const library = scripts.filter((file) => file !== 'cli.js');

describe('what is in it', () => {
  test('nothing is installed with it, and nothing runs when it is', () => {
    const manifest = readJson('package.json') as Manifest;
    const lists = ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'];
    expect(lists.filter((list) => list in manifest)).toEqual([]);
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];
    expect(hooks.filter((hook) => hook in manifest.scripts)).toEqual([]);
  });

  test('every library in a bundle is listed with version and licence', () => {
    const maps = files.filter((file) => file.endsWith('.js.map'));
    const sources = maps.flatMap((map) => (readJson('dist', map) as { sources: string[] }).sources);
    const bundled = sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []);
    const expected = [...new Set(bundled)].map((name) => {
      const { version, license } = readJson('node_modules', name, 'package.json') as Manifest;
      return `${name} ${version} (${license})`;
    });
    expect(expected).toContain('pngjs 7.0.0 (MIT)'); // or the maps name none
    const text = readFileSync(join(dist, 'THIRD_PARTY_LICENSES.txt'), 'utf8');
    const listed = text.split('\n').filter((line) => / \d+\.\d+\.\d+ \(.*\)$/.test(line));
    expect(listed.toSorted()).toEqual(expected.toSorted());
  });

  test('the lock file has the checksum of every package', () => {
    const { packages } = readJson('package-lock.json') as { packages: Record<string, { integrity?: string }> };
    const unchecked = Object.keys(packages).filter((path) => path !== '' && !packages[path].integrity);
    expect(unchecked).toEqual([]);
  });
});

describe('what it asks of the machine', () => {
  test('no text is run as code', async () => {
    const { warnings } = await build({
      entryPoints: scripts.map((file) => join(dist, file)),
      outdir: tmpdir(),
      write: false,
      bundle: true, // or it does not warn
      platform: 'node',
      external: ['*.wasm'],
      format: 'esm',
      logLevel: 'silent',
    });
    expect(warnings.filter(({ id }) => id === 'direct-eval')).toEqual([]);
    for (const file of scripts) expect(readFileSync(join(dist, file), 'utf8')).not.toMatch(/(?<![.\w$])Function\(/);
  });

  test('the library names nothing that reaches a network', () => {
    const names =
      /\b(?:XMLHttpRequest|WebSocket|WebTransport|EventSource|RTCPeerConnection|sendBeacon)\b|(?<![.\w$])fetch\(/;
    const modules = /node:(?:http|https|http2|net|tls|dgram|dns|child_process)\b/;
    for (const file of library) {
      const text = readFileSync(join(dist, file), 'utf8');
      expect(text).not.toMatch(names);
      expect(text).not.toMatch(modules);
    }
  });

  const folder = mkdtempSync(join(tmpdir(), 'upconv-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  // Node's permissions: no network, no process, no file but those given; and no eval
  const restricted = ['--permission', `--allow-fs-read=${root}`, `--allow-fs-read=${folder}`, '--allow-worker'];
  const flags = [...restricted, '--disallow-code-generation-from-strings'];

  test('both restrictions hold in this version of Node', () => {
    const fails = (code: string): string =>
      spawnSync(process.execPath, [...flags, '-e', code], { encoding: 'utf8' }).stderr;
    expect(fails("require('node:net').connect(9, '127.0.0.1')")).toContain('ERR_ACCESS_DENIED');
    expect(fails("globalThis.x = Function('return 1')()")).toContain('EvalError');
  });

  test('layers with two threads', () => {
    const code = `
      import { convTranspose2d, convTranspose2dBackward, createEngine, randn } from ${JSON.stringify(join(dist, 'index.js'))};
      const engine = await createEngine({ threads: 2 });
      const x = randn([4, 16, 32, 32], { engine });
      const w = randn([16, 16, 4, 4], { engine });
      const y = await convTranspose2d(x, w, null, { stride: 2 });
      await convTranspose2dBackward(y, x, w, { stride: 2 });
      console.log(engine.info.threads, y.shape.join());
      engine.dispose();`;
    const output = execFileSync(process.execPath, [...flags, '--input-type=module', '-e', code], { encoding: 'utf8' });
    expect(output).toBe('2 4,16,66,66\n');
  });

  test('the command line', () => {
    const output = join(folder, 'out.png');
    const written = [...flags, `--allow-fs-write=${folder}`, join(dist, 'cli.js')];
    execFileSync(process.execPath, [...written, 'upscale', join(root, 'assets/picture.png'), output, '--steps', '2']);
    expect(readFileSync(output).subarray(1, 4).toString()).toBe('PNG');
  });
});
