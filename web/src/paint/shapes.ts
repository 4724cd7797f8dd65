/** Shapes that tell lines apart without colour: drawn along a line, and beside its name. */

/** Corners of each shape in a square from -1 to 1; the first is a circle, which has none. */
export const SHAPES: readonly (readonly (readonly [number, number])[])[] = [
  [],
  [
    [-0.85, -0.85],
    [0.85, -0.85],
    [0.85, 0.85],
    [-0.85, 0.85],
  ],
  [
    [0, -1.1],
    [1.05, 0.8],
    [-1.05, 0.8],
  ],
  [
    [0, -1.2],
    [1.2, 0],
    [0, 1.2],
    [-1.2, 0],
  ],
  [
    [0, 1.1],
    [1.05, -0.8],
    [-1.05, -0.8],
  ],
];

export function shapeOf(place: number): readonly (readonly [number, number])[] {
  return SHAPES[place % SHAPES.length] ?? [];
}

/** Adds the shape of a line to `path`, `size` to either side of its middle. */
export function addShape(path: CanvasPath, place: number, x: number, y: number, size: number): void {
  const corners = shapeOf(place);
  if (corners.length === 0) {
    path.moveTo(x + size, y);
    path.arc(x, y, size, 0, 2 * Math.PI);
    return;
  }
  corners.forEach(([dx, dy], corner) => {
    if (corner === 0) path.moveTo(x + dx * size, y + dy * size);
    else path.lineTo(x + dx * size, y + dy * size);
  });
  path.closePath();
}
