/** Rejections that nobody handles, in Node and on pages. */

type Stop = () => void;

/** Has `note` called for each, in place of what would fail the run, until the returned function is called. */
export function watchUnhandled(note: (reason: unknown) => void): Stop {
  if (typeof process === 'object') {
    process.on('unhandledRejection', note);
    return () => process.off('unhandledRejection', note);
  }
  const listener = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    note(event.reason);
  };
  addEventListener('unhandledrejection', listener);
  return () => removeEventListener('unhandledrejection', listener);
}
