const HEAD = 44;
const MARGIN = 16;

/** Has the browser save the charts in `cards` as one picture, each with its name and figures above it. */
export function saveAsPng(cards: HTMLElement, name: string): void {
  const charts = [...cards.querySelectorAll("canvas")];
  const ratio = devicePixelRatio || 1;
  const picture = document.createElement("canvas");
  picture.width = Math.max(...charts.map((chart) => chart.width)) + 2 * MARGIN * ratio;
  picture.height = charts.reduce((sum, chart) => sum + chart.height + HEAD * ratio, MARGIN * ratio);
  const context = picture.getContext("2d");
  if (!context) return;
  const style = getComputedStyle(document.body);
  context.fillStyle = getComputedStyle(cards.closest(".panel") ?? document.body).backgroundColor;
  context.fillRect(0, 0, picture.width, picture.height);
  context.fillStyle = style.color;
  context.font = `${14 * ratio}px ${style.fontFamily}`;
  let y = 0;
  for (const chart of charts) {
    const card = chart.closest(".card");
    const parts = [...(card?.querySelectorAll("h3, .card-value, .card-summary, .card-history") ?? [])];
    const title = [name, ...parts.map((part) => part.textContent)].join("  ·  ");
    context.fillText(title, MARGIN * ratio, y + 28 * ratio, picture.width - 2 * MARGIN * ratio);
    context.drawImage(chart, MARGIN * ratio, y + HEAD * ratio);
    y += chart.height + HEAD * ratio;
  }
  picture.toBlob((blob) => {
    if (blob) saveFile(blob, `${name}.png`);
  });
}

export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
