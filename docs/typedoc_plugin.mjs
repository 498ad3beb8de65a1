/**
 * What TypeDoc does not do by itself: a page is called what its first heading says, which then need not stand there
 * twice, and `@throws {ShapeError} …` shows the name of the error.
 */

import { Converter } from 'typedoc';
import ts from 'typescript';

const HEADING = /^# (.*)\n+/;

/** The heading of a page, taken off its parts. */
function takeHeading(parts) {
  const [first] = parts;
  const [heading, title] = HEADING.exec(first.text) ?? [];
  if (heading === undefined) throw new Error(`a page begins with a heading, not with ${first.text.slice(0, 40)}`);
  first.text = first.text.slice(heading.length);
  return title;
}

/** Puts the types of `@throws` in front of their texts: TypeDoc takes them for types of JavaScript and leaves them out. */
function nameErrors(comment, declaration) {
  const written = ts.getJSDocTags(declaration).filter(ts.isJSDocThrowsTag);
  const shown = comment.blockTags.filter(({ tag }) => tag === '@throws');
  for (const part of shown.flatMap(({ content }) => content)) part.text = part.text.replaceAll(/\{(\w+)\}/g, '`$1`');
  if (written.length !== shown.length) return; // the comment is that of another declaration
  written.forEach(({ typeExpression }, i) => {
    if (typeExpression === undefined) return;
    const names = typeExpression.type
      .getText()
      .split('|')
      .map((name) => `\`${name.trim()}\``);
    shown[i].content.unshift({ kind: 'text', text: `${names.join(', ')} ` });
  });
}

export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    document.name = takeHeading(document.content);
  });
  app.converter.on(Converter.EVENT_CREATE_SIGNATURE, (_context, signature, declaration) => {
    if (signature.comment !== undefined && declaration !== undefined) nameErrors(signature.comment, declaration);
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    if (project.readme !== undefined) takeHeading(project.readme);
  });
}
