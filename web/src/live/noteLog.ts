import { type ReadonlySignal, signal } from "@preact/signals";
import type { Note, NoteChange, NotesPage } from "./note";
import type { NoteNews, Subscribed } from "./protocol";

/** More marks than these hide a chart. */
const KEPT_MOST = 100;

/** The newest notes on a watched device, oldest first: asked for once somebody wants them, then kept up. */
export class NoteLog {
  readonly #list = signal<readonly Note[]>([]);
  #load: (() => Promise<NotesPage>) | null = null;
  #told = new Set<number>();

  get list(): ReadonlySignal<readonly Note[]> {
    return this.#list;
  }

  /** Somebody shows them: `load` asks for the newest. Where that fails, there are only those told since. */
  want(load: () => Promise<NotesPage>): void {
    if (this.#load) return;
    this.#load = load;
    void this.#reload();
  }

  take(news: NoteNews | Subscribed): void {
    if (news.type === "note") {
      if (news.event && news.note) this.#apply({ event: news.event, note: news.note } as NoteChange);
      else void this.#reload();
    } else if (news.recovered && !news.notes?.skipped) {
      for (const change of news.notes?.changes ?? []) this.#apply(change);
    } else void this.#reload();
  }

  async #reload(): Promise<void> {
    if (!this.#load) return;
    this.#told = new Set();
    try {
      const { notes } = await this.#load();
      const told = this.#list.peek().filter(({ id }) => this.#told.has(id));
      this.#keep([...notes.filter(({ id }) => !this.#told.has(id)), ...told]);
    } catch {
      // The charts do without them.
    }
  }

  #apply(change: NoteChange): void {
    this.#told.add(change.note.id);
    const others = this.#list.peek().filter(({ id }) => id !== change.note.id);
    this.#keep(change.event === "deleted" ? others : [...others, change.note]);
  }

  #keep(notes: readonly Note[]): void {
    this.#list.value = [...notes].sort((one, other) => one.id - other.id).slice(-KEPT_MOST);
  }
}
