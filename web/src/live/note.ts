/** What somebody wrote on a device's timeline. Times in milliseconds UTC. */
export interface Note {
  readonly id: number;
  readonly device: string;
  readonly text: string;
  /** The moment that it is about, or where its range begins. */
  readonly at: number | null;
  readonly until: number | null;
  readonly by: string;
  /** Whether a person wrote it, and not a program that may be called anything. */
  readonly person: boolean;
  readonly made_at: number;
  readonly edited_at: number | null;
}

/** Of what was deleted only the id is told. */
export type NoteChange =
  | { readonly event: "added" | "edited"; readonly note: Note }
  | { readonly event: "deleted"; readonly note: Pick<Note, "id"> };

/** `next` leads to the page after it; null on the last one. */
export interface NotesPage {
  readonly notes: readonly Note[];
  readonly next: number | null;
}

/** Something that waits for one person. */
export interface InboxEntry {
  readonly id: number;
  readonly kind: "mention" | "message" | "alert";
  readonly by: string;
  readonly text: string;
  readonly made_at: number;
  /** Of a mention or an alert. */
  readonly device: string | null;
  /** When the alert opened, milliseconds UTC. A test of a target is of no alert. */
  readonly at: number | null;
}

export interface InboxPage {
  readonly unread: number;
  readonly seen: number;
  readonly entries: readonly InboxEntry[];
  readonly next: number | null;
}
