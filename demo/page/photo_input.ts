/** The ways a photo comes into the page: chosen, dropped, pasted. */

/** Calls `take` with every file that a visitor gives. */
export function onPhoto(input: HTMLInputElement, take: (file: File) => void): void {
  const first = (files: FileList | undefined | null): void => {
    if (files?.[0]) take(files[0]);
  };
  input.addEventListener('change', () => {
    first(input.files);
    input.value = ''; // so that the same file can be chosen again
  });
  const { body } = document;
  body.addEventListener('dragover', (event) => {
    event.preventDefault(); // else the browser opens the file in place of the page
    body.classList.add('dropping');
  });
  body.addEventListener('dragleave', () => body.classList.remove('dropping'));
  body.addEventListener('drop', (event) => {
    event.preventDefault();
    body.classList.remove('dropping');
    first(event.dataTransfer?.files);
  });
  document.addEventListener('paste', (event) => first(event.clipboardData?.files));
}
