/** What the audit has, method and path below the interface's base, as people say it; names as in OpenAPI. */
const WORDS: Readonly<Record<string, string>> = {
  "POST session": "logged in",
  "DELETE session": "logged out",
  "POST login": "logged in by a link",
  "PUT session/password": "set a new password",
  "POST session/confirm": "confirmed who they are",
  "POST session/passkey": "logged in by a passkey",
  "POST session/passkeys": "added a passkey",
  "DELETE session/passkeys/{passkey_id}": "removed a passkey",
  "DELETE sessions": "logged out everywhere",
  "DELETE sessions/{session_id}": "ended the session {session_id}",
  "POST login-links": "made a login link",
  "POST operators": "added a person",
  "PATCH operators/{operator}": "changed what {operator} may, or the password",
  "DELETE operators/{operator}": "removed {operator}",
  "DELETE operators/{operator}/passkeys/{passkey_id}": "removed a passkey of {operator}",
  "POST operators/{operator}/link": "made a login link for {operator}",
  "POST tokens": "made a token",
  "DELETE tokens/{token_id}": "revoked the token {token_id}",
  "POST devices": "added a device",
  "PATCH devices/{device_id}": "changed settings of {device_id}",
  "DELETE devices/{device_id}": "removed {device_id}",
  "DELETE devices/{device_id}/sequence": "began the sequence of {device_id} anew",
  "PUT devices/{device_id}/attributes": "set attributes of {device_id}",
  "PUT devices/{device_id}/metrics/{metric}": "set up {metric} of {device_id}",
  "PATCH devices/{device_id}/metrics/{metric}": "renamed {metric} of {device_id}, or changed its type",
  "DELETE devices/{device_id}/metrics/{metric}": "removed {metric} of {device_id}",
  "DELETE devices/{device_id}/metrics": "removed metrics of {device_id}",
  "POST devices/{device_id}/keys": "added a key of {device_id}",
  "DELETE devices/{device_id}/keys/{key_id}": "revoked the key {key_id} of {device_id}",
  "POST devices/{device_id}/commands": "sent a command to {device_id}",
  "DELETE devices/{device_id}/commands/{command_id}": "called off a command to {device_id}",
  "POST devices/{device_id}/notes": "wrote a note on {device_id}",
  "PATCH devices/{device_id}/notes/{note_id}": "changed a note on {device_id}",
  "DELETE devices/{device_id}/notes/{note_id}": "deleted a note on {device_id}",
  "POST messages": "wrote to somebody",
  "POST backup": "copied the stores",
  "POST import": "imported readings",
};
/** For what is not in the table. */
const VERB: Readonly<Record<string, string>> = {
  POST: "added to",
  PUT: "set",
  PATCH: "changed",
  DELETE: "removed",
};
const BASE = "api/v1/";

interface Phrase {
  readonly method: string;
  readonly parts: readonly string[];
  readonly words: string;
}

const PHRASES: readonly Phrase[] = Object.entries(WORDS).map(([route, words]) => {
  const [method = "", path = ""] = route.split(" ");
  return { method, parts: split(path), words };
});

/** What somebody did, in words: "revoked the key k1 of boiler-1". */
export function auditWords(what: string): string {
  const at = what.indexOf(" ");
  const method = what.slice(0, at);
  const parts = partsOf(what.slice(at + 1));
  for (const { method: wanted, parts: template, words } of PHRASES) {
    const names = wanted === method ? namesIn(parts, template) : null;
    if (names) return words.replace(/\{(\w+)\}/g, (_, name: string) => names.get(name) ?? "");
  }
  const verb = VERB[method];
  return verb && parts.length > 0 ? `${verb} ${parts.map(decoded).join(" ")}` : what;
}

/** The path below the interface's base; the hub may be under a path of its own. */
function partsOf(path: string): string[] {
  const at = path.indexOf(BASE);
  return split(at === -1 ? path.replace(/^.*\/(?=login$)/, "") : path.slice(at + BASE.length));
}

function split(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

/** The values of a template's names, where the path is one of its kind. */
function namesIn(parts: readonly string[], template: readonly string[]): Map<string, string> | null {
  if (parts.length !== template.length) return null;
  const names = new Map<string, string>();
  for (const [index, wanted] of template.entries()) {
    const part = parts[index] ?? "";
    if (wanted.startsWith("{")) names.set(wanted.slice(1, -1), decoded(part));
    else if (wanted !== part) return null;
  }
  return names;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
