/** A colour token as the canvas needs it: `light-dark()`, `color-mix()` and the like resolved for `element`. */
export function resolveColour(element: HTMLElement, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
