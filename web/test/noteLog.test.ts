import { expect, it } from "vitest";
import type { Note, NotesPage } from "../src/live/note";
import { NoteLog } from "../src/live/noteLog";
import type { NoteNews, Subscribed } from "../src/live/protocol";

const note = (id: number, text = `${id}`): Note => ({
  id,
  device: "a",
  text,
  at: null,
  until: null,
  by: "ada",
  person: true,
  made_at: id,
  edited_at: null,
});
const told = (event: "added" | "edited" | "deleted", about: Note): NoteNews => ({
  type: "note",
  channel: "device/a",
  event,
  note: about,
});
const began = (more: Partial<Subscribed>): Subscribed => ({
  type: "subscribed",
  channel: "device/a",
  epoch: "e",
  offset: 0,
  recovered: true,
  ...more,
});
const turn = () => new Promise((done) => setTimeout(done));
const texts = (log: NoteLog) => log.list.value.map(({ text }) => text);

function asked(...pages: NotesPage["notes"][]): () => Promise<NotesPage> {
  return async () => ({ notes: pages.shift() ?? [], next: null });
}

it("asks once it is wanted, and keeps up by what is told", async () => {
  const log = new NoteLog();
  log.want(asked([note(2), note(1)]));
  await turn();
  log.take(told("added", note(3)));
  log.take(told("edited", note(1, "one")));
  log.take(told("deleted", note(2)));

  expect(texts(log)).toEqual(["one", "3"]);
});

it("lets what is told stand over an answer that comes later", async () => {
  const log = new NoteLog();
  log.want(asked([note(2, "old"), note(1)]));
  log.take(told("edited", note(2, "new")));
  log.take(told("deleted", note(1)));
  await turn();

  expect(texts(log)).toEqual(["new"]);
});

it("takes what was missed, or asks again where that is not known whole", async () => {
  const log = new NoteLog();
  log.want(asked([note(1)], [note(3)], [note(4)], [note(5)]));
  await turn();
  log.take(began({ notes: { changes: [{ event: "added", note: note(2) }] } }));
  expect(texts(log)).toEqual(["1", "2"]);
  for (const [gap, text] of [
    [began({ notes: { skipped: true } }), "3"],
    [began({ recovered: false }), "4"],
    [{ type: "note", channel: "device/a" }, "5"],
  ] as const) {
    log.take(gap);
    await turn();
    expect(texts(log)).toEqual([text]);
  }
});
