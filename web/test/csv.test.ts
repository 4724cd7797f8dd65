import { expect, it } from "vitest";
import { Ring } from "../src/live/ring";
import { csvOf } from "../src/ui/csv";

it("writes a line an instant and a column a metric, of the window only", () => {
  const temperature = new Ring(10);
  const humidity = new Ring(10);
  for (const time of [0, 1000, 2000, 3000]) temperature.push(time, 20 + time / 1000);
  humidity.push(1000, 50.5);
  humidity.push(1000.25, 51);

  const text = csvOf(
    new Map([
      ["temperature", temperature],
      ['hum "x", %', humidity],
    ]),
    1000,
    2000,
  );

  expect(text.split("\r\n")).toEqual([
    'time,"hum ""x"", %",temperature',
    "1970-01-01T00:00:01.000000Z,50.5,21",
    "1970-01-01T00:00:01.000250Z,51,",
    "1970-01-01T00:00:02.000000Z,,22",
    "",
  ]);
});
