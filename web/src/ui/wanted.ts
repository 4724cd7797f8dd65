/** Where somebody wanted to go before the page was left for a log in elsewhere; kept for this tab only. */
const KEY = "wanted";

export function keepWanted(): void {
  try {
    sessionStorage.setItem(KEY, location.hash);
  } catch {
    // They come back to the list.
  }
}

/** Goes where they wanted to, unless the address says another place. Before the page is rendered. */
export function goWhereWanted(): void {
  try {
    const wanted = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    if (wanted && location.hash === "") history.replaceState(null, "", wanted);
  } catch {
    // As above.
  }
}
