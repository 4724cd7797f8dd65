/** A colour token as the canvas needs it: `light-dark()`, `color-mix()` and the like resolved for `element`. */
export function resolveColour(element: HTMLElement, token: string): string {
  return resolved(element, `var(${token})`);
}

/** The same, let through by so many percent. */
export function resolveTint(element: HTMLElement, token: string, percent: number): string {
  return resolved(element, `color-mix(in srgb, var(${token}) ${percent}%, transparent)`);
}

function resolved(element: HTMLElement, colour: string): string {
  const probe = document.createElement("span");
  probe.style.color = colour;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
