import { useRef, useState } from "preact/hooks";
import type { DeviceRest } from "../../../live/deviceRest";
import type { Note, NoteChange, NotesPage } from "../../../live/note";
import { useLoaded } from "../../parts/Loaded";
import { useDeviceNews } from "../useDeviceNews";

/** The notes on a device, newest first, kept up by its channel; older ones as they are asked for. */
export function useNotes(rest: DeviceRest) {
  // By id. What the channel told of a note stands over an answer of REST, which may come late.
  const seen = useRef(new Map<number, Note>());
  const told = useRef(new Set<number>());
  const [next, setNext] = useState<number | null>(null);
  const [, setTurn] = useState(0);
  const notePage = (page: NotesPage): NotesPage => {
    for (const note of page.notes) if (!told.current.has(note.id)) seen.current.set(note.id, note);
    setNext(page.next);
    return page;
  };
  const newest = useLoaded(async () => {
    told.current.clear();
    const page = await rest.notes();
    for (const id of [...seen.current.keys()]) if (!told.current.has(id)) seen.current.delete(id);
    return notePage(page);
  });
  const noteChange = (change: NoteChange) => {
    if (change.event === "deleted") seen.current.delete(change.note.id);
    else seen.current.set(change.note.id, change.note);
    told.current.add(change.note.id);
    setTurn((turn) => turn + 1);
  };
  useDeviceNews((news) => {
    if (news.type === "note") {
      if (news.event && news.note) noteChange({ event: news.event, note: news.note } as NoteChange);
      else void newest.reload();
    } else if (news.type === "subscribed") {
      if (news.recovered && !news.notes?.skipped) news.notes?.changes?.forEach(noteChange);
      else void newest.reload();
    }
  });
  return {
    newest,
    noteChange,
    listed: [...seen.current.values()].sort((a, b) => b.id - a.id),
    older: next === null ? null : async () => void notePage(await rest.notes(next)),
  };
}
