const adopted = new Set<string>();

/**
 * Gives the page the style of a room that is loaded when it opens: `import css from "../../styles/room.css?inline"`.
 * It comes with the room's script, in one answer, and the first view does without it.
 */
export function adopt(css: string): void {
  if (adopted.has(css)) return;
  adopted.add(css);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer parts{${css}}`);
  document.adoptedStyleSheets.push(sheet);
}
