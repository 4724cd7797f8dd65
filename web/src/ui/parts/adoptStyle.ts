const adopted = new Set<string>();

/**
 * Adds the style of a part that is loaded later: `import css from "../../styles/part.css?inline"`.
 * It comes within that part's script, so that the first view is smaller.
 */
export function adoptStyle(css: string): void {
  if (adopted.has(css)) return;
  adopted.add(css);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer parts{${css}}`);
  document.adoptedStyleSheets.push(sheet);
}
