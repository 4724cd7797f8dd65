/** Where a device finds the hub: as this page was reached, with MQTT's own port, null where MQTT is off. */
export interface HubAddress {
  readonly host: string;
  /** Of the page, without a slash at its end; behind a proxy it may have a path. */
  readonly url: string;
  readonly mqttPort: number | null;
}

export interface Snippet {
  readonly name: string;
  readonly text: string;
}

/**
 * What to run to send a first reading with `key`, for each tool. Hosts and keys need no quoting in any of
 * them.
 */
export function snippets(key: string, address: HubAddress): Snippet[] {
  const { mqttPort } = address;
  const overHttp = { name: "curl", text: curl(key, address) };
  if (mqttPort === null) return [overHttp];
  const host = address.host.replace(/^\[(.*)\]$/, "$1");
  return [
    { name: "mosquitto_pub", text: mosquitto(key, host, mqttPort) },
    { name: "Python", text: python(key, host, mqttPort) },
    { name: "Arduino / ESP32", text: arduino(key, host, mqttPort) },
    overHttp,
  ];
}

const TOPIC = "v1/devices/me/telemetry";

function mosquitto(key: string, host: string, port: number): string {
  return `mosquitto_pub -h ${host} -p ${port} -q 1 \\
  -u ${key} \\
  -t ${TOPIC} \\
  -m '{"temperature": 20.5}'`;
}

function curl(key: string, { url }: HubAddress): string {
  return `curl ${url}/api/v1/telemetry \\
  -H 'Authorization: Bearer ${key}' \\
  -d '{"temperature": 20.5}'`;
}

function python(key: string, host: string, port: number): string {
  return `# pip install paho-mqtt
from paho.mqtt import publish

publish.single(
    "${TOPIC}",
    '{"temperature": 20.5}',
    qos=1,
    hostname="${host}",
    port=${port},
    auth={"username": "${key}"},
)`;
}

function arduino(key: string, host: string, port: number): string {
  return `// Libraries: WiFi (with the ESP32 boards), PubSubClient
#include <WiFi.h>
#include <PubSubClient.h>

WiFiClient net;
PubSubClient hub(net);

void setup() {
  WiFi.begin("your network", "its password");
  while (WiFi.status() != WL_CONNECTED) delay(200);
  hub.setServer("${host}", ${port});
}

void loop() {
  if (!hub.connected() && !hub.connect("esp32", "${key}", "")) {
    delay(2000);
    return;
  }
  hub.loop();
  char text[48];
  snprintf(text, sizeof text, "{\\"temperature\\": %.2f}", temperatureRead());
  hub.publish("${TOPIC}", text);
  delay(1000);
}`;
}
