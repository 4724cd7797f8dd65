/** Pixels that a finger moves sideways before it draws; less is a tap, and up or down is left to scrolling. */
const TOUCH_LEAST = 10;

/** What a finger draws over; pixels from the left of the element. */
export interface TouchHands {
  over(left: number, width: number): void;
  /** It was lifted, at the end of a stretch; without one where scrolling took over. */
  lifted(stretch: { readonly left: number; readonly width: number } | null): void;
}

/** Has one finger that moves sideways over `element` draw a stretch, as a mouse does by dragging. */
export function drawByTouch(element: HTMLElement, hands: TouchHands): void {
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
    hands.lifted(stretchMeant);
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
    hands.over(stretch.left, stretch.width);
  });
  element.addEventListener("pointerup", (pointer) => {
    if (pointer.isPrimary) end(stretch);
  });
  element.addEventListener("pointercancel", () => end(null));
}
