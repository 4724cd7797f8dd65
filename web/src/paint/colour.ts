/**
 * A colour token resolved for `element`, as the canvas needs it: `light-dark()` and `color-mix()` worked out.
 */
export function resolveColour(element: HTMLElement, token: string): string {
  return resolved(element, `var(${token})`);
}

/** The same, with so many percent opacity. */
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
