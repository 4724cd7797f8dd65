import { addShape } from "../../../paint/shapes";

const MARGIN = 16;
const LINE = 20;

/** Saves the charts in `cards` as one picture, each with its lines' names and values above it. */
export function saveAsPng(cards: HTMLElement, name: string): void {
  const charts = [...cards.querySelectorAll("canvas")];
  const ratio = devicePixelRatio || 1;
  const picture = document.createElement("canvas");
  const legends = charts.map((chart) => [...(chart.closest(".card")?.querySelectorAll("tbody tr") ?? [])]);
  const heights = charts.map((chart, at) => chart.height + LINE * ratio * (1.5 + (legends[at]?.length ?? 0)));
  picture.width = Math.max(...charts.map((chart) => chart.width)) + 2 * MARGIN * ratio;
  picture.height = heights.reduce((sum, height) => sum + height, (MARGIN + LINE) * ratio);
  const context = picture.getContext("2d");
  if (!context) return;
  const style = getComputedStyle(document.body);
  context.fillStyle = getComputedStyle(cards.closest(".panel") ?? document.body).backgroundColor;
  context.fillRect(0, 0, picture.width, picture.height);
  context.fillStyle = style.color;
  context.font = `600 ${14 * ratio}px ${style.fontFamily}`;
  context.fillText(name, MARGIN * ratio, (MARGIN + 8) * ratio, picture.width - 2 * MARGIN * ratio);
  context.font = `${13 * ratio}px ${style.fontFamily}`;
  let y = (MARGIN + LINE) * ratio;
  charts.forEach((chart, at) => {
    legends[at]?.forEach((row, line) => {
      drawLegend(context, row, MARGIN * ratio, y + LINE * ratio * (line + 0.75), ratio);
    });
    context.drawImage(chart, MARGIN * ratio, y + LINE * ratio * ((legends[at]?.length ?? 0) + 0.5));
    y += heights[at] ?? 0;
  });
  picture.toBlob((blob) => {
    if (blob) saveFile(blob, `${name}.png`);
  });
}

/** A line's mark, name and values as one line of text. */
function drawLegend(
  context: CanvasRenderingContext2D,
  row: Element,
  x: number,
  y: number,
  ratio: number,
): void {
  const swatch = row.querySelector<SVGElement>(".swatch");
  const colour = swatch ? getComputedStyle(swatch).stroke : "";
  const text = (part: string) => row.querySelector(part)?.textContent ?? "";
  const shape = swatch?.dataset.shape;
  const ink = context.fillStyle;
  context.fillStyle = colour;
  context.fillRect(x, y - 5 * ratio, 20 * ratio, 2 * ratio);
  if (shape) {
    context.beginPath();
    addShape(context, Number(shape), x + 10 * ratio, y - 4 * ratio, 4 * ratio);
    context.fill();
  }
  context.fillStyle = ink;
  const figures = `min ${text(".card-min")} · mean ${text(".card-mean")} · max ${text(".card-max")}`;
  context.fillText([text("th"), text(".card-value"), figures].join("   "), x + 28 * ratio, y);
}

export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
