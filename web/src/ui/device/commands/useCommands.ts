import { useRef, useState } from "preact/hooks";
import type { Command } from "../../../live/command";
import type { CommandsPage, DeviceRest } from "../../../live/deviceRest";
import { useLoaded } from "../../parts/Loaded";
import { useDeviceNews } from "../useDeviceNews";

const PAGE = 20;

/** The commands of a device, newest first, kept up by its channel; older ones as they are asked for. */
export function useCommands(rest: DeviceRest) {
  // By id: those that newer ones push off the newest page stay in view. The channel tells every step, so what
  // it told of a command stands over an answer of REST, which may come late, unless that is the end of it.
  const seen = useRef(new Map<number, Command>());
  const told = useRef(new Set<number>());
  const [next, setNext] = useState<number | null>(null);
  const [, setTurn] = useState(0);
  const noteAnswer = (command: Command) => {
    if (command.ended_at !== null || !told.current.has(command.id)) seen.current.set(command.id, command);
    setTurn((turn) => turn + 1);
  };
  const notePage = (page: CommandsPage): CommandsPage => {
    page.commands.forEach(noteAnswer);
    setNext(page.next);
    return page;
  };
  const newest = useLoaded(async () => {
    told.current.clear();
    return notePage(await rest.commands(PAGE));
  });
  const noteNews = (commands: readonly Command[]) => {
    for (const command of commands) {
      seen.current.set(command.id, command);
      told.current.add(command.id);
    }
    setTurn((turn) => turn + 1);
  };
  useDeviceNews((news) => {
    if (news.type === "command" && news.command) noteNews([news.command]);
    else if (news.type === "command") void newest.reload();
    else if (news.type === "subscribed") {
      if (news.recovered) noteNews(news.commands ?? []);
      else void newest.reload();
    }
  });
  return {
    newest,
    noteAnswer,
    listed: [...seen.current.values()].sort((a, b) => b.id - a.id),
    older: next === null ? null : async () => void notePage(await rest.commands(PAGE, next)),
  };
}
