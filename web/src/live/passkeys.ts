/**
 * Passkeys (WebAuthn): the hub's options as JSON in, what the browser made of them as JSON out. Newer
 * browsers convert both themselves; for the others it is done here (WebAuthn level 3, 5.1.8 to 5.1.10).
 */

type Json = Readonly<Record<string, unknown>>;
type Bytes = Uint8Array<ArrayBuffer>;

/** As much of the browser as is used, so that tests can stand in for it. */
export interface Authenticators {
  readonly PublicKeyCredential?: Partial<
    Pick<typeof PublicKeyCredential, "parseCreationOptionsFromJSON" | "parseRequestOptionsFromJSON">
  >;
  readonly credentials: Pick<CredentialsContainer, "create" | "get">;
}

/** Whether this browser has passkeys here: only on secure pages, and there is none for a bare IP address. */
export function hasPasskeys(): boolean {
  const isAddress = /^[\d.]+$|:/.test(location.hostname.replace(/^\[|\]$/g, ""));
  return isSecureContext && !isAddress && typeof PublicKeyCredential === "function";
}

/** Has the browser make a passkey. Throws DOMException where the person, or the browser, does not want to. */
export async function makePasskey(options: Json, browser: Authenticators = own()): Promise<Json> {
  const parse = browser.PublicKeyCredential?.parseCreationOptionsFromJSON;
  const publicKey = parse
    ? parse.call(browser.PublicKeyCredential, options as never)
    : (creationOptions(options) as never);
  return shown(await browser.credentials.create({ publicKey }));
}

/** Has the browser show a passkey. Throws as `makePasskey`. */
export async function showPasskey(options: Json, browser: Authenticators = own()): Promise<Json> {
  const parse = browser.PublicKeyCredential?.parseRequestOptionsFromJSON;
  const publicKey = parse
    ? parse.call(browser.PublicKeyCredential, options as never)
    : (requestOptions(options) as never);
  return shown(await browser.credentials.get({ publicKey }));
}

function own(): Authenticators {
  return {
    credentials: navigator.credentials,
    ...(typeof PublicKeyCredential === "function" && { PublicKeyCredential }),
  };
}

function creationOptions(options: Json): Json {
  const user = options.user as Json;
  return {
    ...options,
    challenge: fromBase64url(options.challenge as string),
    user: { ...user, id: fromBase64url(user.id as string) },
    excludeCredentials: described(options.excludeCredentials),
  };
}

function requestOptions(options: Json): Json {
  return {
    ...options,
    challenge: fromBase64url(options.challenge as string),
    allowCredentials: described(options.allowCredentials),
  };
}

function described(credentials: unknown): Json[] {
  return ((credentials ?? []) as Json[]).map((one) => ({ ...one, id: fromBase64url(one.id as string) }));
}

/** A credential as JSON: all its buffers in base64url. */
function shown(credential: Credential | null): Json {
  if (!credential) throw new DOMException("no passkey was shown", "NotAllowedError");
  const made = credential as PublicKeyCredential;
  if (typeof made.toJSON === "function") return made.toJSON() as unknown as Json;
  const answer = made.response as unknown as Record<string, unknown> & { getTransports?: () => string[] };
  const buffers = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const response = buffers.flatMap((name) => {
    const buffer = answer[name];
    return buffer instanceof ArrayBuffer ? [[name, toBase64url(new Uint8Array(buffer))] as const] : [];
  });
  return {
    id: made.id,
    rawId: toBase64url(new Uint8Array(made.rawId)),
    type: made.type,
    response: {
      ...Object.fromEntries(response),
      ...(answer.getTransports && { transports: answer.getTransports() }),
    },
    clientExtensionResults: made.getClientExtensionResults(),
    ...(made.authenticatorAttachment && { authenticatorAttachment: made.authenticatorAttachment }),
  };
}

export function fromBase64url(text: string): Bytes {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

export function toBase64url(bytes: Bytes): string {
  const plain = btoa(String.fromCharCode(...bytes));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** What went wrong with a passkey, in words; null where that was no passkey's fault. */
export function passkeyFault(error: unknown): string | null {
  if (!(error instanceof DOMException)) return null;
  if (error.name === "InvalidStateError") return "This device has a passkey for the hub already.";
  if (error.name === "NotAllowedError") return "No passkey was used: it was called off, or took too long.";
  return `The browser could not use a passkey: ${error.message}`;
}
