import { describe, expect, it } from "vitest";
import { decode, ProtocolError } from "../src/live/protocol";

describe("decode", () => {
  it("takes a frame of one message", () => {
    expect(decode('{"type":"hello","time":1795170094504,"limits":{}}')).toEqual([
      { type: "hello", time: 1795170094504, limits: {} },
    ]);
  });

  it("takes a frame of many messages, in order", () => {
    const frame =
      '[{"type":"readings","channel":"device/a","offset":2,' +
      '"readings":[[1,{"t":20.5}],[2.5,{"t":true,"w":"x"}]]},' +
      '{"type":"presence","channel":"device/a","status":"stale","since":3}]';

    const messages = decode(frame);

    expect(messages.map((message) => message.type)).toEqual(["readings", "presence"]);
    expect(messages[0]).toMatchObject({
      readings: [
        [1, { t: 20.5 }],
        [2.5, { t: true, w: "x" }],
      ],
    });
  });

  it("leaves out types of a newer hub and keeps their neighbours", () => {
    const messages = decode('[{"type":"weather"},{"type":"shutdown","retry_after_s":2}]');

    expect(messages).toEqual([{ type: "shutdown", retry_after_s: 2 }]);
  });

  it("is not fooled by a type that every object has", () => {
    expect(decode('{"type":"constructor"}')).toEqual([]);
  });

  it("takes what the hub says of its storage", () => {
    const [message] = decode(
      '{"type":"storage","failing":true,"message":"nothing can be stored: disk full"}',
    );

    expect(message).toEqual({ type: "storage", failing: true, message: "nothing can be stored: disk full" });
  });

  it("takes removed devices in an overview", () => {
    expect(decode('{"type":"overview","channel":"overview","offset":1,"devices":{"a":null}}')).toHaveLength(
      1,
    );
  });

  it.each([
    ["half a frame", '{"type":"hello"'],
    ["a number", "17"],
    ["null", "null"],
    ["an array of texts", '["hello"]'],
    ["a message without a type", '{"time":1}'],
    ["a hello without its time", '{"type":"hello"}'],
    ["readings that are no list", '{"type":"readings","channel":"c","offset":1,"readings":{}}'],
    ["an offset that is a text", '{"type":"overview","channel":"c","offset":"1","devices":{}}'],
    ["devices that are a list", '{"type":"overview","channel":"c","offset":1,"devices":[]}'],
  ])("refuses %s", (_name, frame) => {
    expect(() => decode(frame)).toThrow(ProtocolError);
  });
});
