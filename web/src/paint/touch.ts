/** Pixels a finger must move sideways to select. Less is a tap; up or down is scrolling. */
const TOUCH_LEAST = 10;

/** What a finger selects; pixels from the left of the element. */
export interface TouchHandlers {
  over(left: number, width: number): void;
  /** The finger was lifted; null where scrolling took over. */
  lifted(stretch: { readonly left: number; readonly width: number } | null): void;
}

/** Lets one finger that moves sideways over `element` select a stretch, as dragging with a mouse does. */
export function drawByTouch(element: HTMLElement, handlers: TouchHandlers): void {
  let start: number | null = null;
  let stretch: { left: number; width: number } | null = null;
  // Up and down stays the browser's.
  element.style.touchAction = "pan-y";
  const place = (pointer: PointerEvent) => {
    const { left, width } = element.getBoundingClientRect();
    return Math.min(Math.max(pointer.clientX - left, 0), width);
  };
  const end = (stretchMeant: typeof stretch) => {
    if (start === null) return;
    start = null;
    stretch = null;
    handlers.lifted(stretchMeant);
  };
  element.addEventListener("pointerdown", (pointer) => {
    if (pointer.pointerType !== "touch") return;
    // A second finger is another gesture.
    if (pointer.isPrimary) start = place(pointer);
    else end(null);
  });
  element.addEventListener("pointermove", (pointer) => {
    if (pointer.pointerType !== "touch" || !pointer.isPrimary || start === null) return;
    const now = place(pointer);
    if (stretch === null && Math.abs(now - start) < TOUCH_LEAST) return;
    stretch = { left: Math.min(start, now), width: Math.abs(now - start) };
    handlers.over(stretch.left, stretch.width);
  });
  element.addEventListener("pointerup", (pointer) => {
    if (pointer.isPrimary) end(stretch);
  });
  element.addEventListener("pointercancel", () => end(null));
}
