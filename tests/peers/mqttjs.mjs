// A device by MQTT.js: publishes with every quality of service, asks for attributes, answers one command.
// Arguments: address, protocol version (4 or 5), key. Each step is one JSON line on standard output.
import mqtt from "mqtt";

const [url, version, key] = process.argv.slice(2);
const ME = "v1/devices/me";
const say = (step, value) => console.log(JSON.stringify({ step, value }));

const client = mqtt.connect(url, {
  username: key,
  protocolVersion: Number(version),
  clientId: `mqttjs-${version}`,
  reconnectPeriod: 0,
  connectTimeout: 10_000,
  ...(version === "5" ? { properties: { sessionExpiryInterval: 60, topicAliasMaximum: 5 }, autoAssignTopicAlias: true } : {}),
});

client.on("error", (error) => {
  say("refused", error.code);
  client.end(true);
});
client.on("message", (topic, body) => {
  if (topic.startsWith(`${ME}/attributes/response/`)) {
    say("attributes", JSON.parse(body.toString()));
  } else if (topic.startsWith(`${ME}/rpc/request/`)) {
    say("command", JSON.parse(body.toString()));
    client
      .publishAsync(topic.replace("request", "response"), JSON.stringify({ answered: true }), { qos: 1 })
      .then(() => client.endAsync())
      .then(() => say("ended", true));
  }
});
client.on("connect", async (connack) => {
  say("connected", connack.sessionPresent);
  await client.publishAsync(`${ME}/telemetry`, '{"js":0}', { qos: 0 });
  await client.publishAsync(`${ME}/telemetry`, '{"js":1}', { qos: 1, retain: true });
  await client.publishAsync(`${ME}/telemetry`, '{"js":2}', { qos: 2 });
  await client.publishAsync(`${ME}/attributes`, '{"firmware":"js"}', { qos: 1 });
  if (version === "5") {
    const refused = await client.publishAsync(`${ME}/telemetry`, "{", { qos: 1 }).catch((error) => error);
    say("bad publish", refused.code ?? refused.reasonCode);
  }
  const granted = await client.subscribeAsync(
    [`${ME}/attributes/response/+`, `${ME}/rpc/request/+`],
    { qos: 1 },
  );
  say("granted", granted.map((one) => one.qos));
  await client.publishAsync(`${ME}/attributes/request/1`, '{"clientKeys":"firmware"}', { qos: 1 });
});
