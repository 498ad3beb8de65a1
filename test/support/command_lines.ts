/** A process that runs the command lines it is sent, one after another, each by a script of its own: see many_times.ts. */

const [script] = process.argv.slice(2);

const written = { stdout: '', stderr: '' };
for (const stream of ['stdout', 'stderr'] as const) {
  process[stream].setMaxListeners(0); // every script may add one
  process[stream].write = (text: string | Uint8Array) => {
    written[stream] += String(text);
    return true;
  };
}

let runs = 0;
process.on('message', (args: string[]) => {
  void (async () => {
    process.argv.splice(2, Infinity, ...args);
    process.exitCode = undefined;
    Object.assign(written, { stdout: '', stderr: '' });
    runs += 1;
    await import(`${script}?${runs}`); // runs again under another name
    process.send?.({ code: process.exitCode ?? 0, ...written });
  })();
});
