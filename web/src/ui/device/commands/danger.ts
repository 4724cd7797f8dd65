/** Words in the name of a command that ends, loosens or overwrites something. */
const DANGEROUS: ReadonlySet<string> = new Set(
  (
    "reboot restart reset factory erase wipe clear delete remove format flash firmware update upgrade ota " +
    "off shutdown halt poweroff stop kill disable unlock open release vent dump purge override calibrate"
  ).split(" "),
);

/**
 * Whether a command must not be sent by mistake, going by its name: "reboot", "setPowerOff", "factory-reset".
 */
export function isDangerous(method: string): boolean {
  const words = method
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z]+/);
  return words.some((word) => DANGEROUS.has(word));
}
