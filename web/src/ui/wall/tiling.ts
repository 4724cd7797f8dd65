/** A smaller tile cannot be read from across a room. Pixels. */
const LEAST = { width: 230, height: 132 };
/** Tiles are most legible about this much wider than high. */
const SHAPE = 1.8;

export interface Tiling {
  readonly columns: number;
  readonly rows: number;
  /** How many screens it takes. */
  readonly pages: number;
}

/**
 * The largest tiles that fit so many on a screen of this size; on several pages where they would be too
 * small.
 */
export function tilingOf(count: number, width: number, height: number): Tiling {
  const mostColumns = Math.max(1, Math.floor(width / LEAST.width));
  const mostRows = Math.max(1, Math.floor(height / LEAST.height));
  if (count > mostColumns * mostRows) {
    return { columns: mostColumns, rows: mostRows, pages: Math.ceil(count / (mostColumns * mostRows)) };
  }
  let best: Tiling = { columns: 1, rows: Math.max(1, count), pages: 1 };
  let bestSize = 0;
  for (let columns = 1; columns <= Math.min(mostColumns, Math.max(1, count)); columns++) {
    const rows = Math.max(1, Math.ceil(count / columns));
    const size = Math.min(width / columns / SHAPE, height / rows);
    if (rows <= mostRows && size > bestSize) {
      best = { columns, rows, pages: 1 };
      bestSize = size;
    }
  }
  return best;
}
